"""Public collections of texts that break programs come back unchanged, or are refused by name."""

from collections.abc import Sequence

import pytest

from support import User

from . import texts
from .answers import Record, faults
from .reading import through_conversations, through_messages, through_todos, through_turns

needs = {
    name: pytest.mark.skipif(not (texts.SAMPLES / name).exists(), reason=f"the samples `{name}` are not here")
    for name in ("naughty-strings", "xss", "udhr-multilingual")
}


def come_back(user: User, name: str, collection: Sequence[str], record: Record) -> None:
    """Sends all of a collection through every operation that takes a text of its length."""
    stored = [text for text in collection if texts.storable(text)]
    short = [text for text in dict.fromkeys(stored) if len(text) <= 200]
    refused = [text for text in collection if not texts.storable(text)]
    assert stored
    for text in refused:
        conversation = user.conversation()
        answer = user.post(f"/api/conversations/{conversation}/messages", {"content": text})
        assert set(faults(answer)) == {("body", "content")}
    readings = through_messages(user, stored) + through_turns(user, stored[::5])
    readings += through_conversations(user, short[::10]) + through_todos(user, short[::4])
    record(f"readings that differ, of {len(stored)} {name}", (0, readings))


@needs["naughty-strings"]
def test_naughty_strings_come_back(echoed: User, record_property: Record) -> None:
    collection = texts.naughty_strings()
    assert len(collection) > 500
    come_back(echoed, "naughty strings", collection, record_property)


@needs["xss"]
def test_script_injections_come_back(echoed: User, record_property: Record) -> None:
    come_back(echoed, "script injections", texts.script_injections(500), record_property)


@needs["udhr-multilingual"]
def test_the_declaration_of_human_rights_comes_back(echoed: User, record_property: Record) -> None:
    come_back(echoed, "human rights", [*texts.declarations().values()], record_property)


@needs["udhr-multilingual"]
def test_lines_of_the_declaration_come_back_as_titles(alice: User, record_property: Record) -> None:
    pages = texts.declarations().values()
    lines = [line.strip() for page in pages for line in page.split("\n") if 2 < len(line.strip()) <= 200]
    chosen = list(dict.fromkeys(lines))[::50]
    readings = through_conversations(alice, chosen) + through_todos(alice, chosen)
    record_property(
        f"readings that differ, of {len(chosen)} titles in {len(pages) // 2} languages", (0, readings)
    )
