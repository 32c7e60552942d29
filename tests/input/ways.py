"""More ways for a text to come in: messages of the AI SDK, keys, searches, addresses and passwords."""

import re
import uuid
from collections.abc import Sequence

import httpx

from support import User

from .answers import faults
from .reading import history, same

KEY = "Idempotency-Key"
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")


def through_the_ai_sdk(user: User, texts: Sequence[str]) -> int:
    """As words, and as ids of chats, of messages and of what is asked again; returns how many readings were
    identical.
    """
    count = 0
    for number, text in enumerate(texts):
        for form in ("message", "messages"):
            name = _name(f"{form} {number} {text}")
            question = {"id": name, "role": "user", "parts": [{"type": "text", "text": text}]}
            chat = {"id": name, form: question if form == "message" else [question]}
            _taken(user.post("/api/chat", chat))
            again = {**chat, "trigger": "regenerate-message", "messageId": name}
            answer = _taken(user.post("/api/chat", again))
            session = int(answer.text.partition('"session_id":"')[2].partition('"')[0])
            asked, replied = history(user, session)
            shown = user.get(f"/api/chat/{session}/history", params={"format": "ui"}).json()["items"]
            said = [asked["content"], replied["content"], shown[0]["parts"][0]["text"]]
            count += same(said, [text] * 3)
            begun = user.get(f"/api/conversations/{session}").json()
            names = [asked["client_id"], shown[0]["id"], begun["client_id"]]
            count += same(names, [name] * 3)
    return count


def through_keys(user: User, texts: Sequence[str]) -> int:
    """As ids that a client gives a message, in the body and in a header, and a conversation, in a header;
    returns how many were identical. Sent again, each finds what it made.
    """
    conversation, count = user.conversation(), 0
    kept: list[str] = []
    messages, turns = f"/api/conversations/{conversation}/messages", f"/api/chat/{conversation}/message"
    for number, text in enumerate(texts):
        for path, field in ((messages, "content"), (turns, "message")):
            name, header = _name(f"{field} {number} {text}"), _header(f"{field} by header {number} {text}")
            body = {field: "x"}
            _taken(user.post(path, {**body, "client_id": name}))
            answers = [_taken(user.post(path, body, headers={KEY: header})) for _ in range(2)]
            assert answers[0].json() == answers[1].json()
            kept += [name, header.decode("latin-1")]
        for path in ("/api/conversations", "/api/chat/start"):
            header = _header(f"{path} by header {number} {text}")
            made = _taken(user.post(path, {}, headers={KEY: header})).json()
            count += same([made.get("conversation", made)["client_id"]], [header.decode("latin-1")])
        again = {KEY: _header(f"again {number} {text}")}
        path = f"/api/chat/{conversation}/regenerate"
        replies = [_taken(user.post(path, headers=again)).json()["reply"] for _ in range(2)]
        assert replies[0] == replies[1]
    said = [one["client_id"] for one in history(user, conversation) if one["role"] == "user"]
    return count + same(said, kept)


def through_searches(user: User, texts: Sequence[str]) -> int:
    """As what is searched for, in a message with the same words: it is found, or nothing. Returns how often
    it was found.
    """
    conversation, count = user.conversation(), 0
    for number, text in enumerate(texts):
        word = f"w{uuid.uuid4().hex}"
        kept = user.say(conversation, f"{word} {number} {text}")["id"]
        found = _taken(user.get("/api/search", params={"q": f"{word} {text}"[:200]})).json()["items"]
        assert [item["message"]["id"] for item in found] in ([kept], [])
        count += len(found)
    return count


def through_accounts(user: User, texts: Sequence[str]) -> int:
    """As an address, and as passwords of others: whoever has one signs in with it, changes it, and is erased
    by it, and nothing else is it. Returns how often it was the right one.
    """
    count = 0
    for text in texts:
        email, first, second = f"{uuid.uuid4().hex}@example.com", f"first {text}", f"{text} second"
        account = {"email": email, "password": first}
        _taken(user.post("/api/auth/register", account))
        assert _token(user, email, f"{first} ", text) is None, "another password signs in"
        change = {"current_password": first, "new_password": second}
        signed_in = _bearer(_token(user, email, first, text))
        _taken(user.post("/api/auth/password", change, headers=signed_in))
        assert _token(user, email, first, text) is None, "the password of before signs in"
        signed_in, confirmed = _bearer(_token(user, email, second, text)), {"confirmation": second}
        _taken(user.client.request("DELETE", "/api/auth/me", json=confirmed, headers=signed_in))
        count += 4 + _address(user, text)
    return count


def _address(user: User, text: str) -> int:
    """An address is kept but for capitals, or refused by name where it is none."""
    email, password = f"{uuid.uuid4().hex}{text}@example.com", uuid.uuid4().hex
    made = user.post("/api/auth/register", {"email": email, "password": password})
    if not made.is_success:
        assert faults(made).keys() == {("body", "email")}
        return 0
    assert _token(user, email, password, text) is not None
    me = user.get("/api/auth/me", headers=_bearer(made.json()["access_token"])).json()
    return same([me["email"]], [email.casefold()])


def _token(user: User, email: str, password: str, text: str) -> str | None:
    """What signing in gives, with the text in all fields that nothing is done with; None if it is refused."""
    form = {"username": email, "password": password}
    unused = dict.fromkeys(("scope", "client_id", "client_secret"), text)
    answer = user.client.post("/api/auth/token", data={**form, **unused})
    assert answer.status_code in (200, 401), answer.text
    return str(answer.json()["access_token"]) if answer.is_success else None


def _bearer(token: str | None) -> dict[str, str]:
    assert token is not None, "what was accepted does not sign in"
    return {"Authorization": f"Bearer {token}"}


def _taken(answer: httpx.Response) -> httpx.Response:
    """The answer, which must be a success."""
    assert answer.is_success, f"{answer.request.content[:200]!r} {answer.text[:300]}"
    return answer


def _name(text: str) -> str:
    """What of a text may be a client's id: 256 bytes."""
    return text.encode()[:256].decode(errors="ignore")


def _header(text: str) -> bytes:
    """What of a text may be in a header and, a character for each byte, a client's id."""
    return _CONTROLS.sub(b" ", text.encode())[:128].strip()
