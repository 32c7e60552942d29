"""The record of what was done to accounts: everything is in it, and nothing that anybody wrote."""

import asyncio

import pytest

from app.models.audit import network_of
from app.purge import purge
from command_line import run
from support import Postgres, Service, settings

EMAIL, PASSWORD, NEW = "alice.liddell@example.com", "correct horse battery", "staple correct horse"
HERE, NETWORK = "203.0.113.77", "203.0.113.0/24"
FROM_HERE = {"X-Forwarded-For": HERE}


def record(postgres: Postgres) -> list[tuple[object, ...]]:
    return postgres.rows("SELECT event, actor, user_id, network::text FROM audit ORDER BY id")


def test_what_is_done_to_an_account_is_noted_without_who_it_is(service: Service) -> None:
    visitor = service.client()
    visitor.headers.update(FROM_HERE)
    registered = visitor.post("/api/auth/register", json={"email": EMAIL, "password": PASSWORD})
    user = {"Authorization": f"Bearer {registered.json()['access_token']}"}
    alice = visitor.get("/api/auth/me", headers=user).json()["id"]
    for email, password in ((EMAIL, "wrong horse"), ("nobody@example.com", PASSWORD), (EMAIL, PASSWORD)):
        visitor.post("/api/auth/token", data={"username": email, "password": password})
    for current in (NEW, PASSWORD):
        body = {"current_password": current, "new_password": NEW}
        changed = visitor.post("/api/auth/password", json=body, headers=user)
    user = {"Authorization": f"Bearer {changed.json()['access_token']}"}
    visitor.post("/api/conversations", json={"title": "Holiday"}, headers=user).raise_for_status()
    visitor.post("/api/auth/sign-out", headers=user).raise_for_status()
    assert visitor.post("/api/auth/register", json={"email": EMAIL, "password": NEW}).status_code == 409
    assert record(service.postgres) == [
        ("registered", "user", alice, NETWORK),
        ("sign_in_failed", "visitor", alice, NETWORK),
        ("sign_in_failed", "visitor", None, NETWORK),
        ("signed_in", "user", alice, NETWORK),
        ("password_wrong", "user", alice, NETWORK),
        ("password_changed", "user", alice, NETWORK),
        ("signed_out_everywhere", "user", alice, NETWORK),
    ]
    (whole,) = service.postgres.rows("SELECT string_agg(audit::text, ' ') FROM audit")
    for text in ("alice", "example", "horse", "Holiday", HERE, registered.json()["access_token"]):
        assert text not in whole[0]


def test_what_an_operator_does_is_noted(configured: dict[str, str], postgres: Postgres) -> None:
    run(configured, "user", "create", EMAIL, "--password", PASSWORD)
    run(configured, "token", EMAIL)
    run(configured, "user", "delete", EMAIL, "--yes")
    assert run(configured, "purge").returncode == 0
    user_id = postgres.value("SELECT max(user_id) FROM audit")
    events = ("registered", "token_made", "account_deleted")
    noted = [(event, "operator", user_id, None) for event in events]
    assert record(postgres) == [*noted, ("purged", "operator", None, None)]
    [*listed, last] = run(configured, "audit").stdout.splitlines()
    assert last.endswith("\tpurged\toperator\t-\t-")
    assert [line.split("\t")[1:] for line in listed] == [
        [event, "operator", str(user_id), "-"] for event in events
    ]
    assert run(configured, "audit", "--user", str(user_id)).stdout.splitlines() == listed
    assert run(configured, "audit", "--user", str(user_id + 1)).stdout == ""


def test_what_is_old_is_forgotten_and_nothing_else(postgres: Postgres, service: Service) -> None:
    for table, columns in (
        ("audit", "(event, actor, created_at)"),
        ("departure", "(subject_hash, created_at)"),
    ):
        for days in (0, 89, 91, 1_000):
            values = "'signed_in', 'user'" if table == "audit" else "'a hash'"
            postgres.rows(f"INSERT INTO {table} {columns} VALUES ({values}, now() - interval '{days} days')")
    assert asyncio.run(purge(settings(postgres), dry_run=True)).noted == 2
    assert postgres.value("SELECT count(*) FROM audit") == 4
    assert asyncio.run(purge(settings(postgres))).noted == 2
    assert postgres.value("SELECT count(*) FROM departure") == 2
    assert postgres.rows("SELECT event FROM audit ORDER BY id") == [("signed_in",)] * 2 + [("purged",)]
    for table in ("audit", "departure"):
        assert postgres.value(f"SELECT min(created_at) > now() - interval '90 days' FROM {table}")
    assert asyncio.run(purge(settings(postgres, audit_retention_days=0))).noted == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        (HERE, NETWORK),
        (f"::ffff:{HERE}", NETWORK),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("unknown", None),
        (None, None),
    ],
)
def test_of_an_address_the_network_is_kept(address: str | None, network: str | None) -> None:
    assert network_of(address) == network
