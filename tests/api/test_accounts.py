"""Accounts and tokens of this service."""

import time

import jwt
import pytest

from support import SECRET, Service, User


def test_register_sign_in_and_me(service: Service) -> None:
    visitor = service.client()
    made = visitor.post(
        "/api/auth/register", json={"email": "Alice@Example.com", "password": "correct horse battery"}
    )
    assert made.status_code == 201
    assert made.json()["token_type"] == "bearer"
    form = {"grant_type": "password", "username": "alice@example.COM", "password": "correct horse battery"}
    token = visitor.post("/api/auth/token", data=form)
    assert token.status_code == 200
    for answer in (made, token):
        me = service.client(answer.json()["access_token"]).get("/api/auth/me").json()
        assert me["email"] == "alice@example.com"
        assert (me["issuer"], me["subject"]) == (None, None)
    claims = jwt.decode(token.json()["access_token"], SECRET, ["HS256"])
    assert claims["exp"] - claims["iat"] == token.json()["expires_in"] == 86_400


def test_an_address_has_one_account(service: Service) -> None:
    visitor = service.client()
    body = {"email": "alice@example.com", "password": "correct horse battery"}
    assert visitor.post("/api/auth/register", json=body).status_code == 201
    again = visitor.post("/api/auth/register", json={**body, "email": "ALICE@example.com"})
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    ("username", "password"),
    [("alice@example.com", "wrong horse battery"), ("nobody@example.com", "correct horse battery")],
)
def test_a_wrong_password_and_an_unknown_address_are_the_same(
    service: Service, username: str, password: str
) -> None:
    visitor = service.client()
    body = {"email": "alice@example.com", "password": "correct horse battery"}
    visitor.post("/api/auth/register", json=body)
    refused = visitor.post("/api/auth/token", data={"username": username, "password": password})
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_failed")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert visitor.post(
        "/api/auth/token", data={"username": body["email"], "password": body["password"]}
    ).is_success


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("alice", "correct horse", "email_invalid"),
        ("a@b@c", "correct horse", "email_invalid"),
        ("a b@example.com", "correct horse", "email_invalid"),
        ("@example.com", "correct horse", "email_invalid"),
        ("alice@example.com", "short", "password_too_short"),
        ("alice@example.com", "x" * 257, "text_too_long"),
    ],
)
def test_what_is_no_account(service: Service, email: str, password: str, code: str) -> None:
    refused = service.client().post("/api/auth/register", json={"email": email, "password": password})
    assert refused.status_code == 422
    assert [fault["code"] for fault in refused.json()["errors"]] == [code]


def test_the_password_is_stored_as_argon2id(service: Service) -> None:
    service.client().post("/api/auth/register", json={"email": "a@example.com", "password": "correct horse"})
    assert service.postgres.value('SELECT password_hash FROM "user"').startswith(
        "$argon2id$v=19$m=65536,t=3,p=4$"
    )


def test_without_a_token_there_is_one_answer(service: Service, alice: User) -> None:
    now = int(time.time())
    claims = {"iss": "chat-history", "sub": str(alice.id), "iat": now, "exp": now + 60}
    forged = jwt.encode(claims, "another secret of at least 32 bytes!", "HS256")
    expired = jwt.encode({**claims, "exp": now - 60}, SECRET, "HS256")
    refused = [
        service.client().get("/api/conversations", headers=headers)
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer nonsense"},
            {"Authorization": "Basic YWxpY2U6c2VjcmV0"},
            {"Authorization": f"Bearer {forged}"},
            {"Authorization": f"Bearer {expired}"},
        )
    ]
    assert {(answer.status_code, answer.content) for answer in refused} == {(401, refused[0].content)}
    assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in refused)
    good = jwt.encode(claims, SECRET, "HS256")
    assert service.client(good).get("/api/conversations").status_code == 200
