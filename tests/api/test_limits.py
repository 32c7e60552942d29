"""Too many requests: who has to wait, and who must not."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from app.main import create_app
from support import Service, settings

Serve = Callable[..., AbstractContextManager[Service]]

PASSWORD = "correct horse battery"
HERE, THERE = "203.0.113.7", "198.51.100.9"


def refused(answer: httpx.Response, limit: str) -> bool:
    """Whether it is the refusal of one limit, with all that a client needs to know."""
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == "rate_limited"
    assert answer.headers["content-type"] == "application/problem+json"
    wait = answer.headers["Retry-After"]
    assert 1 <= int(wait) <= 3_600
    assert f'"{limit}";r=0;t={wait}' in answer.headers["RateLimit"].split(", ")
    assert f'"{limit}";q=' in answer.headers["RateLimit-Policy"]
    return True


def sign_in(
    service: Service, address: str, password: str, email: str = "alice@example.com"
) -> httpx.Response:
    """As a proxy of this machine passes it on."""
    form, headers = {"username": email, "password": password}, {"X-Forwarded-For": address}
    return service.client().post("/api/auth/token", data=form, headers=headers)


def register(service: Service, email: str, address: str = HERE) -> httpx.Response:
    account, headers = {"email": email, "password": PASSWORD}, {"X-Forwarded-For": address}
    return service.client().post("/api/auth/register", json=account, headers=headers)


def test_a_user_has_requests_and_writes_and_turns_and_others_have_theirs(serve_with: Serve) -> None:
    with serve_with(requests_per_minute=5, writes_per_minute=4, turns_per_minute=2) as service:
        alice, bob = service.user("alice@example.com"), service.user("bob@example.com")
        path = f"/api/chat/{alice.conversation()}/message"
        turn = alice.post(path, {"message": "Hello"})
        assert turn.headers["RateLimit-Policy"] == '"requests";q=5;w=60, "writes";q=4;w=60, "turns";q=2;w=60'
        left = r'"requests";r=3;t=(\d+), "writes";r=2;t=(\d+), "turns";r=1;t=(\d+)'
        found = re.fullmatch(left, turn.headers["RateLimit"])
        assert found is not None
        # Two requests, two writes and a turn come back one after the other, and time has passed.
        for wait, most in zip(found.groups(), (24, 30, 30), strict=True):
            assert most - 10 < int(wait) <= most
        assert alice.post(path, {"message": "Hello"}).status_code == 200
        assert refused(alice.post(path, {"message": "Hello"}), "turns")
        assert alice.get("/api/conversations").headers["RateLimit"].startswith('"requests";r=0;')
        assert refused(alice.get("/api/conversations"), "requests")
        conversation = bob.conversation()
        for _ in range(3):
            assert bob.patch(f"/api/conversations/{conversation}", {"pinned": True}).status_code == 200
        assert refused(bob.patch(f"/api/conversations/{conversation}", {"pinned": False}), "writes")
        assert service.client().get("/healthz").status_code == 200


def test_wrong_passwords_make_their_address_wait_and_not_the_owner(serve_with: Serve) -> None:
    with serve_with(wrong_passwords=3) as service:
        for email in ("alice@example.com", "bob@example.com"):
            assert register(service, email).status_code == 201
        for _ in range(3):
            assert sign_in(service, HERE, "wrong horse").status_code == 401
        # The right one too: whether it was right, nobody is told.
        for password in ("wrong horse", PASSWORD):
            assert refused(sign_in(service, HERE, password), "wrong-passwords")
        for _ in range(5):
            assert sign_in(service, THERE, PASSWORD).status_code == 200
        assert sign_in(service, HERE, PASSWORD, "bob@example.com").status_code == 200


def test_an_account_that_does_not_exist_is_guessed_at_like_one_that_does(serve_with: Serve) -> None:
    with serve_with(wrong_passwords=3) as service:
        register(service, "alice@example.com")
        seen = [
            [sign_in(service, HERE, "wrong horse", email) for _ in range(4)]
            for email in ("alice@example.com", "nobody@example.com")
        ]
        told = [[(one.status_code, one.content) for one in each] for each in seen]
        assert told[0] == told[1]
        assert [status for status, _ in told[0]] == [401, 401, 401, 429]


def test_guesses_at_many_accounts_make_their_address_wait(serve_with: Serve) -> None:
    with serve_with(wrong_passwords=1) as service:
        register(service, "alice@example.com")
        for number in range(10):
            assert sign_in(service, HERE, "wrong horse", f"{number}@example.com").status_code == 401
        assert refused(sign_in(service, HERE, "wrong horse", "more@example.com"), "wrong-passwords-at-any")
        assert refused(sign_in(service, HERE, PASSWORD), "wrong-passwords-at-any")
        assert sign_in(service, THERE, PASSWORD).status_code == 200


def test_whoever_goes_on_at_one_account_does_not_make_the_others_at_the_address_wait(
    serve_with: Serve,
) -> None:
    """An office behind one address, and a device in it that knows an old password and does not give up."""
    with serve_with(wrong_passwords=2) as service:
        assert register(service, "bob@example.com").status_code == 201
        answers = [sign_in(service, HERE, "wrong horse") for _ in range(30)]
        assert [answer.status_code for answer in answers] == [401] * 2 + [429] * 28
        assert sign_in(service, HERE, PASSWORD, "bob@example.com").status_code == 200


def test_the_right_password_takes_nothing(serve_with: Serve) -> None:
    with serve_with(wrong_passwords=2) as service:
        register(service, "alice@example.com")
        for _ in range(25):
            assert sign_in(service, HERE, PASSWORD).status_code == 200
        for _ in range(3):
            assert sign_in(service, HERE, "wrong horse").status_code == 401
            assert sign_in(service, HERE, PASSWORD).status_code == 200


def test_a_stolen_token_does_not_guess_the_password(serve_with: Serve) -> None:
    with serve_with(wrong_passwords=2) as service:
        thief = service.client(register(service, "alice@example.com").json()["access_token"])
        wrong = {"current_password": "wrong horse", "new_password": "staple correct"}
        answers = [thief.post("/api/auth/password", json=wrong) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [403, 403, 429]
        right, elsewhere = {**wrong, "current_password": PASSWORD}, {"X-Forwarded-For": THERE}
        assert thief.post("/api/auth/password", json=right, headers=elsewhere).status_code == 200


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (HERE, f"::ffff:{HERE}", THERE),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("fe80::1%eth0", "fe80::2%another", "fe80:0:0:1::1%eth0"),  # with a zone, which anybody can make up
    ],
)
def test_sign_ins_and_registrations_are_counted_by_address(
    serve_with: Serve, one: str, same: str, other: str
) -> None:
    with serve_with(sign_ins_per_minute=1, registrations_per_hour=1) as service:
        assert register(service, "alice@example.com", one).status_code == 201
        assert refused(register(service, "bob@example.com", same), "registrations")
        assert register(service, "bob@example.com", other).status_code == 201
        assert sign_in(service, one, PASSWORD).status_code == 200
        assert refused(sign_in(service, same, PASSWORD), "sign-ins")
        assert sign_in(service, other, PASSWORD).status_code == 200


def from_page(service: Service, site: str, origin: str) -> list[httpx.Response]:
    """What browsers send for a page without asking before, and what they say of it."""
    headers = {"Sec-Fetch-Site": site, "Origin": origin, "X-Forwarded-For": HERE}
    form = {"username": "alice@example.com", "password": "wrong horse"}
    return [
        service.client().post("/api/auth/token", data=form, headers=headers),
        service.client().post("/api/auth/register", headers=headers),
    ]


def test_a_page_of_another_site_does_not_make_its_visitor_wait(serve_with: Serve) -> None:
    once = {"wrong_passwords": 1, "sign_ins_per_minute": 2, "registrations_per_hour": 2}
    with serve_with(**once, cors_origins=("https://chat.example",)) as service:
        assert register(service, "alice@example.com").status_code == 201
        for origin in ("https://evil.example", "null", "https://evil.example/https://chat.example"):
            for answer in from_page(service, "cross-site", origin):
                assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
                assert "RateLimit" not in answer.headers
        assert sign_in(service, HERE, PASSWORD).status_code == 200
        assert register(service, "bob@example.com").status_code == 201


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("cross-site", "https://chat.example"),
        ("same-site", "http://other.here"),
        ("same-origin", "http://here"),
    ],
)
def test_pages_of_this_site_and_those_that_are_named_sign_in(
    serve_with: Serve, site: str, origin: str
) -> None:
    with serve_with(cors_origins=("https://chat.example",)) as service:
        assert [answer.status_code for answer in from_page(service, site, origin)] == [401, 422]


def test_who_is_no_proxy_of_ours_cannot_say_where_it_comes_from(serve_with: Serve) -> None:
    with serve_with(registrations_per_hour=1, forwarded_allow_ips=("192.0.2.1",)) as service:
        assert register(service, "alice@example.com", HERE).status_code == 201
        assert refused(register(service, "bob@example.com", THERE), "registrations")
    with serve_with(registrations_per_hour=1) as service:
        # The last entry is the proxy's own; what stands before it, anybody can make up.
        assert register(service, "carol@example.com", f"{THERE}, {HERE}").status_code == 201
        assert refused(register(service, "dave@example.com", f"192.0.2.5, {HERE}"), "registrations")


def test_no_limit_is_none(serve_with: Serve) -> None:
    names = ("requests_per_minute", "writes_per_minute", "turns_per_minute", "sign_ins_per_minute")
    with serve_with(**dict.fromkeys((*names, "registrations_per_hour", "wrong_passwords"), 0)) as service:
        client = service.client(register(service, "alice@example.com").json()["access_token"])
        answers = [client.post("/api/chat/start") for _ in range(50)]
        assert {answer.status_code for answer in answers} == {201}
        assert not [answer for answer in answers if "RateLimit" in answer.headers]
        for _ in range(12):
            assert sign_in(service, HERE, "wrong horse").status_code == 401
        assert sign_in(service, HERE, PASSWORD).status_code == 200


def test_nobody_is_let_off_by_an_address_that_is_none(serve_with: Serve) -> None:
    """As some proxies write for a client they do not know (RFC 7239, section 6.2 and 6.3)."""
    with serve_with(wrong_passwords=2, registrations_per_hour=1) as service:
        assert register(service, "alice@example.com", "unknown").status_code == 201
        assert refused(register(service, "bob@example.com", "_hidden"), "registrations")
        answers = [sign_in(service, address, "wrong horse") for address in ("unknown", "_hidden", "unknown")]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert sign_in(service, HERE, PASSWORD).status_code == 200


def test_all_who_have_no_address_are_counted_as_one(service: Service) -> None:
    """As behind a socket of this machine that is no network's."""

    async def come() -> list[int]:
        transport = httpx.ASGITransport(app, client=None)  # type: ignore[arg-type]  # as ASGI has it
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            account = {"email": "alice@example.com", "password": PASSWORD}
            made = await client.post("/api/auth/register", json=account)
            form = {"username": "alice@example.com", "password": PASSWORD}
            known = [await client.post("/api/auth/token", data=form) for _ in range(2)]
            return [answer.status_code for answer in (made, *known)]

    app = create_app(settings(service.postgres, sign_ins_per_minute=1))
    assert asyncio.run(come()) == [201, 200, 429]
