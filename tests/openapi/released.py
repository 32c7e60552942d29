"""The documents of earlier versions, without what is for people only: what clients rely on.

`python3 backend/run.py python tests/openapi/released.py NAME` keeps the one of now, before it is released.
"""

import json
import sys
from pathlib import Path
from typing import Any

from openapi.committed import current
from openapi.document import Document

FOLDER = Path(__file__).parent / "released"
NAMES = sorted(file.stem for file in FOLDER.glob("*.json"))

FOR_PEOPLE = {
    **dict.fromkeys(("title", "summary", "description"), str),
    "example": object,
    "tags": list,
    "links": dict,
}
"""Keys, and what they hold if they are no names of fields."""


def released(name: str) -> Document:
    """The document of an earlier version."""
    return Document(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def compact(node: Any) -> Any:
    """A document, or a part of it, for programs: examples of what is sent stay, and the codes of refusals."""
    if isinstance(node, list):
        return [compact(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if "code" in node.get("value", ()):  # an example of a refusal, whose name is its code
        return {}
    return {
        # Fields may be called like these, too, and have a schema.
        key: value if key == "examples" and isinstance(value, list) else compact(value)
        for key, value in node.items()
        if key not in FOR_PEOPLE or not isinstance(value, FOR_PEOPLE[key])
    }


if __name__ == "__main__":
    text = json.dumps(compact(json.loads(current())), ensure_ascii=False, separators=(",", ":"))
    (FOLDER / f"{sys.argv[1]}.json").write_text(f"{text}\n", encoding="utf-8")
