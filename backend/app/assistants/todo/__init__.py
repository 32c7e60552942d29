"""The offline assistant: it keeps the user's todos, without a model and without a network.

`parser` reads a message into `commands`, line by line, by the table in `phrases`, whose `titles` and
`targets` are read apart, and with `caution` where a line may mean something else. `work` carries them
out, finds the todos in a `listing` and words what came of it. `deeds` are what it did already for the same
message.
"""

from .assistant import TodoAssistant

__all__ = ["TodoAssistant"]
