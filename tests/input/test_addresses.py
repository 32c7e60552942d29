"""Every method at every address: what is not there is told as a problem, and nothing redirects."""

from collections import defaultdict

from support import User

from .answers import Record, Watched, refusal
from .operations import operations

NOWHERE = str(2**62)
OTHER_METHODS = ["HEAD", "OPTIONS", "PUT", "TRACE", "PATCH", "POST", "DELETE", "GET", "PROPFIND", "SEARCH"]


def test_a_method_that_is_not_there_is_refused_with_the_ones_that_are(
    alice: User, record_property: Record
) -> None:
    known = defaultdict(set)
    for operation in operations(alice.client):
        known[operation.path].add(operation.method)
    known["/healthz"].add("HEAD")  # for monitors, and not in the document
    assert len(known) > 10
    tried = 0
    for path, methods in known.items():
        for method in OTHER_METHODS:
            if method in methods:
                continue
            answer = alice.client.request(method, path.replace("{", "").replace("}", ""))
            tried += 1
            assert answer.status_code == 405, f"{method} {path}"
            assert method == "HEAD" or refusal(answer) == (405, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == methods, f"{method} {path}"
    record_property("methods that are not there, and not refused with Allow", (0, tried))


def test_what_has_no_address_is_not_found(alice: User, service: Watched) -> None:
    for client in (alice.client, service.client()):
        for path in (
            "/index.html",
            "/api",
            "/api/",
            "/api/conversation",
            "/API/conversations",
            "/api/conversations/1/messages/1",
            "/api//conversations",
            "//api/conversations",
            "/api/conversations//",
            "/api/conversations/1//messages",
            "/api/conversations/1/messages//",
            "/api/conversations/.%2e/conversations",
            "/api/%2e%2e/api/conversations",
            "/api/conversations%00",
            "/api/conversations%20",
            "/api/conversations;a=b",
            "/api\\conversations",
            "/%61pi%2fnothing",
            "/assets/../../../pyproject.toml",
            "/assets/..%2f..%2f..%2f..%2fpyproject.toml",
            "/assets/%2e%2e/%2e%2e/site.py",
            "/assets/%00",
            "/assets/",
            "/assets/" + "x" * 300,
            "/.env",
            "/" + "x" * 50_000,
            "/" + "a/" * 10_000,
            "/%FF%FE",
            "/%ED%A0%80",
            "/%",
        ):
            for method in ("GET", "POST", "DELETE"):
                answer = client.request(method, path)
                assert answer.status_code in (404, 405, 414), f"{method} {path[:80]}"
                if "/assets" not in path:
                    assert refusal(answer) in ((404, "not_found"), (414, "target_too_long"))


def test_a_slash_at_the_end_changes_nothing(alice: User, record_property: Record) -> None:
    """With a body that no operation takes, so that nothing is made; and with ids that nothing has."""
    seen = 0
    for operation in operations(alice.client):
        if operation.path == "/api/auth/sign-out":
            continue  # it takes no body, and ends the token
        body = None if operation.media_type is None else b"[]"
        headers = {} if operation.media_type is None else {"Content-Type": operation.media_type}
        path = operation.address(NOWHERE)
        without, with_slash = (
            alice.client.request(operation.method, address, content=body, headers=headers)
            for address in (path, f"{path}/")
        )
        assert with_slash.status_code == without.status_code
        assert with_slash.headers["content-type"] == without.headers["content-type"]
        assert without.is_success or refusal(without) != (404, "not_found")
        if operation.path not in ("/metrics", "/api/auth/me/export"):  # which tell of this moment
            assert with_slash.content == without.content
        seen += 1
    record_property("operations that answer otherwise with a slash at the end", (0, seen))


def test_what_succeeds_succeeds_with_a_slash(alice: User) -> None:
    made = alice.post("/api/conversations/", {"title": "a"})
    assert made.status_code == 201
    assert alice.get(made.headers["location"] + "/").json() == made.json()
    started = alice.post("/api/chat/start/").json()["session_id"]
    assert alice.post(f"/api/chat/{started}/message/", {"message": "help"}).status_code == 200
    assert len(alice.get(f"/api/chat/{started}/history/", params={"limit": 2}).json()["items"]) == 2
    for path in ("/docs/", "/openapi.json/", "/healthz/", "/readyz/"):
        assert alice.get(path).status_code == 200
    assert alice.delete(made.headers["location"] + "/").status_code == 204
