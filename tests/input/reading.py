"""Everything that is stored is read back in every way there is, and compared."""

from collections.abc import Sequence
from typing import Any

from support import User, pages

MAX_REPLY = 200_000
"""Characters: a reply ends there."""


def history(user: User, conversation: int) -> list[dict[str, Any]]:
    """All messages as the chat's history has them, from the last page to the first."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        path = f"/api/chat/{conversation}/history"
        page = user.get(path, params={"limit": 200, **cursor}).json()
        found = page["items"] + found
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def same(found: Sequence[str | None], sent: Sequence[str]) -> int:
    """How many texts were compared, all of them identical."""
    for text, wanted in zip(found, sent, strict=True):
        assert text == wanted, f"{wanted[:80]!r} came back as {(text or '')[:80]!r}"
    return len(sent)


def contents(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages]


def through_messages(user: User, texts: Sequence[str], role: str = "user") -> int:
    """Appends the texts to a new conversation; returns how many readings were identical."""
    conversation = user.conversation()
    count = same([user.say(conversation, text, role=role)["content"] for text in texts], texts)
    count += same(contents(user.messages(conversation)), texts)
    return count + same(contents(history(user, conversation)), texts)


def through_turns(user: User, texts: Sequence[str]) -> int:
    """Sends the texts to an assistant that repeats them; returns how many readings were identical."""
    session = user.post("/api/chat/start").json()["session_id"]
    asked, replied = [], []
    for text in texts:
        turn = user.post(f"/api/chat/{session}/message", {"message": text}).json()
        asked.append(turn["message"]["content"])
        replied.append(turn["reply"]["content"])
    answers = [text[:MAX_REPLY] for text in texts]
    both = [said for pair in zip(texts, answers, strict=True) for said in pair]
    count = same(asked, texts) + same(replied, answers)
    count += same(contents(history(user, int(session))), both)
    return count + same(contents(user.messages(int(session))), both)


def through_conversations(user: User, texts: Sequence[str]) -> int:
    """Titles and client ids, made in both ways, read in both ways, and renamed."""
    count = 0
    for path in ("/api/conversations", "/api/chat/start"):
        made = []
        names = [_client_id(path, number, text) for number, text in enumerate(texts)]
        for text, name in zip(texts, names, strict=True):
            body = {"title": text, "client_id": name}
            answers = [user.post(path, body).json() for _ in range(2)]  # the second one is a retry
            assert answers[0] == answers[1]
            made.append(answers[0].get("conversation", answers[0]))
        titles = [conversation["title"] for conversation in made]
        client_ids = [conversation["client_id"] for conversation in made]
        count += same(titles, texts) + same(client_ids, names)
        addresses = [f"/api/conversations/{conversation['id']}" for conversation in made]
        assert [user.get(address).json() for address in addresses] == made
        listed = {found["id"]: found for found in pages(user, "/api/conversations", limit=200)}
        assert [listed[conversation["id"]] for conversation in made] == made
        swapped = list(reversed(texts))
        renamed = [
            user.patch(address, {"title": text}).json()["title"]
            for address, text in zip(addresses, swapped, strict=True)
        ]
        count += 2 * len(texts) + same(renamed, swapped)
        count += same([user.get(address).json()["title"] for address in addresses], swapped)
    return count


def through_todos(user: User, texts: Sequence[str]) -> int:
    """Titles and descriptions, made, read, listed and changed."""
    made = [user.post("/api/todos", {"title": text, "description": text}).json() for text in texts]
    swapped = list(reversed(texts))
    count = 0
    for name in ("title", "description"):
        count += same([todo[name] for todo in made], texts)
        addresses = [f"/api/todos/{todo['id']}" for todo in made]
        assert [user.get(address).json() for address in addresses] == made
        made = [
            user.patch(address, {name: text}).json() for address, text in zip(addresses, swapped, strict=True)
        ]
        count += len(texts) + same([todo[name] for todo in made], swapped)
    assert user.get("/api/todos").json()["items"] == made
    return count + 2 * len(made)


def _client_id(path: str, number: int, text: str) -> str:
    """One that is made of the text, and is not another's: of at most 256 bytes."""
    return f"{path} {number} {text}".encode()[:256].decode(errors="ignore")
