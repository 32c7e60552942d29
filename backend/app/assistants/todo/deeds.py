"""What was done already for the same message."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import TodoLimitReached, TodoNotFound
from ...models.database import Todo
from ..base import Utterance
from ..tools import TOOLS, ListTodos

REFUSALS = (TodoLimitReached, TodoNotFound)
"""How the todos keep a tool from doing anything."""

_CHANGING = {f"tool-{name}" for name, tool in TOOLS.items() if tool is not ListTodos}
_REFUSED = {refusal.detail for refusal in REFUSALS}


@dataclass(slots=True)
class Deeds:
    """How replies changed the todos, by the tools that are stored with them."""

    changed: dict[int, Todo] = field(default_factory=dict)
    """Added or changed and not deleted, each as it was then, by its id."""
    deleted: int = 0
    unsure: bool = False
    """Whether a reply ended before it was known what a tool did."""

    @classmethod
    def of(cls, replies: Sequence[Utterance]) -> "Deeds":
        """Those of all the replies together."""
        deeds = cls()
        for reply in replies:
            for part in reply.parts or ():
                if part["type"] in _CHANGING:
                    deeds._count(part)
        return deeds

    def __bool__(self) -> bool:
        return bool(self.changed or self.deleted or self.unsure)

    def _count(self, part: dict[str, Any]) -> None:
        match part:
            case {"output": {"deleted": int(identity)}}:
                self.deleted += 1
                self.changed.pop(identity, None)
            case {"output": {"id": int(identity), "title": str()} as output}:
                self.changed[identity] = Todo(**output)
            case {"errorText": str(error)} if error in _REFUSED:
                pass
            case _:
                self.unsure = True
