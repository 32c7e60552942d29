"""Tokens of an external issuer."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support import Service, restored_before

Serve = Callable[..., AbstractContextManager[Service]]

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
ISSUER = {
    "secret_key": None,
    "jwt_public_key": PUBLIC.decode(),
    "jwt_issuer": "https://issuer.example",
    "jwt_audience": ("chat",),
    "jwt_authorized_parties": ("https://app.example",),
    "jwt_required_claims": {"role": "authenticated"},
}


def token(**changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://issuer.example",
        "aud": "chat",
        "azp": "https://app.example",
        "role": "authenticated",
        "sub": "auth0|alice",
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode({**claims, **changes}, KEY, "EdDSA")


def test_a_user_appears_with_the_first_valid_token(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service:
        me = service.client(token()).get("/api/auth/me")
        assert me.status_code == 200
        assert (me.json()["issuer"], me.json()["subject"]) == ("https://issuer.example", "auth0|alice")
        assert me.json()["email"] is None
        again = service.client(token(iat=int(time.time()) - 1)).get("/api/auth/me")
        assert again.json() == me.json()


@pytest.mark.parametrize("remembered_seconds", [0, 60])
def test_a_user_who_was_deleted_is_nobody_until_the_issuer_makes_another_token(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch, remembered_seconds: int
) -> None:
    monkeypatch.setattr("app.accounts.REMEMBERED_SECONDS", remembered_seconds)
    with serve_with(**ISSUER) as service:
        alice = service.client(token())
        before = alice.get("/api/auth/me").json()["id"]
        conversation = alice.post("/api/conversations", json={}).json()["id"]
        service.postgres.rows('DELETE FROM "user"')
        # Neither what a process remembers of her nor her token leads anywhere, or makes anything.
        for process in (alice, service.client(token(iat=int(time.time()) - 1))):
            assert process.get("/api/auth/me").status_code == 401
            assert process.get("/api/conversations").status_code == 401
            assert process.post("/api/conversations", json={}).status_code == 401
            assert process.post("/api/todos", json={"title": "Milk"}).status_code == 401
            assert process.post("/api/chat/start").status_code == 401
        assert service.postgres.value('SELECT count(*) FROM "user"') == 0
        # She may come back later, as somebody else. How much later, the leeway says.
        service.postgres.rows("UPDATE departure SET created_at = created_at - interval '1 minute'")
        alice = service.client(token(iat=int(time.time()) + 2))
        assert alice.get("/api/auth/me").json()["id"] != before
        assert alice.get(f"/api/conversations/{conversation}").status_code == 404
        assert alice.post("/api/conversations", json={}).status_code == 201


def test_the_departure_of_one_user_is_not_that_of_another(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service:
        service.client(token()).get("/api/auth/me").raise_for_status()
        service.postgres.rows('DELETE FROM "user"')
        assert service.client(token()).get("/api/auth/me").status_code == 401
        assert service.client(token(sub="auth0|bob")).get("/api/auth/me").status_code == 200


def test_a_refused_token_makes_nobody(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service:
        for change in (
            {"aud": "other"},
            {"azp": "https://evil.example"},
            {"role": "anon"},
            {"iss": "x"},
            {"sub": ""},
        ):
            assert service.client(token(**change)).get("/api/auth/me").status_code == 401
        assert service.postgres.value('SELECT count(*) FROM "user"') == 0


def test_simultaneous_first_visits_are_one_user(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service, ThreadPoolExecutor(8) as executor:
        visits = [service.client(token(jti=str(number))) for number in range(8)]
        answers = list(executor.map(lambda visit: visit.get("/api/auth/me"), visits))
        assert len({answer.json()["id"] for answer in answers}) == 1


def test_users_of_an_issuer_see_only_their_own(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service:
        alice, bob = service.client(token()), service.client(token(sub="auth0|bob"))
        made = alice.post("/api/conversations", json={"title": "Mine"}).json()
        assert alice.get("/api/conversations").json()["items"] == [made]
        assert bob.get("/api/conversations").json()["items"] == []
        assert bob.get(f"/api/conversations/{made['id']}").status_code == 404


def test_a_user_who_is_remembered_is_nobody_else_after_a_restore(serve_with: Serve) -> None:
    """The processes go on while a backup is restored that does not know a user; another one comes first."""
    with serve_with(**ISSUER) as service:
        alice, bob = (service.client(token(sub=subject)) for subject in ("auth0|alice", "auth0|bob"))
        lost = alice.get("/api/auth/me").json()["id"]
        restored_before(service.postgres, lost)
        assert bob.get("/api/auth/me").json()["id"] == lost
        assert bob.post("/api/todos", json={"title": "Milk"}).status_code == 201
        assert alice.get("/api/todos").status_code == 401
        assert bob.get("/api/todos").status_code == 200


def test_local_accounts_are_off(serve_with: Serve) -> None:
    body = {"email": "alice@example.com", "password": "correct horse battery"}
    with serve_with(**ISSUER) as service:
        assert service.client().post("/api/auth/register", json=body).status_code == 404
        assert (
            service.client().post("/api/auth/token", data={"username": "a@b", "password": "c"}).status_code
            == 404
        )
    with serve_with() as service:
        assert service.client().post("/api/auth/register", json=body).status_code == 201


def test_the_oldest_of_very_many_tokens_is_forgotten_and_its_user_found_again(
    serve_with: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.accounts.REMEMBERED", 1)
    with serve_with(**ISSUER) as service:
        alice, bob = service.client(token()), service.client(token(sub="auth0|bob"))
        first = alice.get("/api/auth/me").json()
        assert bob.get("/api/auth/me").json()["id"] != first["id"]
        assert alice.get("/api/auth/me").json() == first
        # Who is remembered is not looked for again: bob's token gave way to alice's.
        service.postgres.rows("UPDATE \"user\" SET subject = 'moved ' || subject")
        assert alice.get("/api/auth/me").json()["id"] == first["id"]
        assert bob.get("/api/auth/me").json()["subject"] == "auth0|bob"


def test_an_account_that_cannot_be_made_is_refused(serve_with: Serve) -> None:
    with serve_with(**ISSUER) as service:
        service.postgres.rows(
            "CREATE FUNCTION nobody() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            'CREATE TRIGGER nobody BEFORE INSERT ON "user" FOR EACH ROW EXECUTE FUNCTION nobody()'
        )
        try:
            refused = service.client(token()).get("/api/auth/me")
        finally:
            service.postgres.rows('DROP TRIGGER nobody ON "user"; DROP FUNCTION nobody')
        assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
        assert service.client(token()).get("/api/auth/me").status_code == 200
