"""One turn: a question, and the reply that the assistant writes to it.

Turns      opens, joins and stops turns; knows what runs in this process
Writer     one reply being written: asks the assistant, flushes, ends it, whatever happens
Asking     the writer's assistant while it talks, which is waited for no longer than it deserves
Draft      what the writer has to store
Follower   one reply that another process writes: the same, read from its row
LiveReply  one reply as its readers see it; fed by a writer or a follower, which never wait for a reader
"""

from .live import LiveReply as LiveReply
from .turns import Bounds as Bounds, Turn as Turn, Turns as Turns
from .writer import Limits as Limits
