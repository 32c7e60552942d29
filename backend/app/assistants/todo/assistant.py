"""The assistant that needs nothing but the user's todos."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

from ...models.events import Event, TextDelta, ToolCall, ToolResult
from ...repositories.todos import TodoRepository
from ..base import Prompt
from ..tools import TOOLS, Outcome, Tool
from .deeds import REFUSALS, Deeds
from .languages import only_english
from .parser import MOST_COMMANDS, parse
from .wording import paragraphs
from .work import Steps, Work

_NOT_UNDERSTOOD = """\
Sorry, I did not understand that, and I changed nothing. I am a small offline assistant: I keep \
your todo list, and that is all I know. Try one of these:

- `add buy milk`
- `what is left`
- `done 1`

Say `help` for the rest."""
_NOT_ALL_UNDERSTOOD = f"""\
Of several lines, each has to be a command, and {MOST_COMMANDS} at most: otherwise I do none of them."""

_PIECE_WORDS = 4

_NAMES = {tool: name for name, tool in TOOLS.items()}


class TodoAssistant:
    """Manages the user's todos. The same words always do the same, and talk does nothing.

    Only the last message of the user counts. Its commands are carried out in order with the tools that
    a model has, each before the first piece of the reply that reports it. What a reply changed that this
    one takes the place of is told, and not done again.
    """

    name = "todo"

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        """Says what was done, or that nothing was, in Markdown. Raises what the database raises."""
        text = next((said.content for said in reversed(prompt.messages) if said.role == "user"), "")
        commands = parse(text)
        if not commands:
            several = _NOT_ALL_UNDERSTOOD if len(text.strip().splitlines()) > 1 else ""
            for piece in _pieces(paragraphs(only_english(text), _NOT_UNDERSTOOD, several)):
                yield piece
            return
        work = Work(await prompt.todos.all())
        calls = count(1)
        for position, steps in enumerate(work.steps(commands, Deeds.of(prompt.replaced))):
            heard: Any = None
            separator = "\n\n" * (position > 0)
            while not isinstance(step := _next(steps, heard), str):
                if step is None:
                    heard = await prompt.todos.all()
                    continue
                call = ToolCall(
                    f"call-{next(calls)}", _NAMES[type(step)], step.model_dump(exclude_unset=True)
                )
                yield call
                heard = await _used(step, prompt.todos)
                yield ToolResult(call.id, heard.output, heard.error)
                separator = ""  # what is said behind a tool is a new paragraph anyway
            for piece in _pieces(separator + step):
                yield piece


def _next(steps: Steps, heard: Any) -> Tool | str | None:
    """The step that follows what was heard of the one before it; at the end, what to say."""
    try:
        return steps.send(heard)
    except StopIteration as end:
        return str(end.value)


async def _used(tool: Tool, todos: TodoRepository) -> Outcome:
    try:
        return Outcome(await tool.use(todos))
    except REFUSALS as refusal:
        return Outcome(error=refusal.detail)


def _pieces(text: str) -> Iterator[TextDelta]:
    """A handful of words at a time, so that a streamed reply looks alive."""
    words = text.split(" ")
    for start in range(0, len(words), _PIECE_WORDS):
        end = start + _PIECE_WORDS
        yield TextDelta(" ".join(words[start:end]) + " " * (end < len(words)))
