"""A login that is no superuser and owns its database, as a provider gives it: all walls stand."""

import uuid
from collections.abc import Iterator

import pytest
from psycopg2 import errors

from app.db.migrations import migrate
from app.doctor import examine
from app.errors import SetupError
from app.main import create_app
from support import Postgres, Service, served, settings

from .application import acting, count
from .estate import rows_of, settle, spread_ids
from .intruder import Intruder
from .operations import operations


@pytest.fixture(scope="module")
def administrator(cluster: Postgres) -> Iterator[Postgres]:
    """The administrator's view of a database that the login `plain_...` owns."""
    name = f"plain_{uuid.uuid4().hex[:12]}"
    cluster.rows(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD 'plain'")
    cluster.rows(f"GRANT {name} TO CURRENT_USER")
    cluster.rows(f"CREATE DATABASE {name} OWNER {name}")
    yield Postgres(cluster.url.set(database=name))
    cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")
    cluster.rows(f"DROP ROLE {name}")


@pytest.fixture(scope="module")
def plain(administrator: Postgres) -> Postgres:
    """The same database, migrated and seen by its owner."""
    login = Postgres(administrator.url.set(username=administrator.url.database, password="plain"))
    try:
        migrate(login.url)
    except SetupError as refusal:
        # From PostgreSQL 16 on, the role of another database is its maker's to give: the refusal says how.
        for line in str(refusal).splitlines():
            if line.startswith("  GRANT chat_history_app"):
                administrator.rows(line)
        migrate(login.url)
    spread_ids(administrator)
    return login


@pytest.fixture(scope="module")
def service(plain: Postgres, administrator: Postgres) -> Iterator[Service]:
    with served(create_app(settings(plain)), administrator) as service:
        yield service


def test_the_login_is_no_superuser(plain: Postgres) -> None:
    assert plain.value("SHOW is_superuser") == "off"
    assert plain.value("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'message'")


def test_everything_works_and_nothing_of_another_user_is_seen_or_changed(service: Service) -> None:
    every = operations(service.client().get("/openapi.json").json())
    alice, bob = (settle(service, every, name, 3) for name in ("alice", "bob"))
    intruder = Intruder(service, alice, bob)
    assert [*intruder.try_all(every), *intruder.use_assistant()] == []
    print(f"operations that betrayed or changed another user's rows: 0 of {intruder.tried} tried")


def test_the_owner_of_the_tables_sees_accounts_and_nothing_that_users_wrote(
    service: Service, plain: Postgres, administrator: Postgres
) -> None:
    carol = settle(service, [], "carol", 3).user
    assert len(rows_of(administrator, carol.id)["todo"]) == 3
    assert plain.value('SELECT count(*) FROM "user" WHERE id = %s', carol.id) == 1
    assert plain.value("SELECT count(*) FROM todo") == 0
    with acting(plain, user_id=carol.id) as cursor:
        assert count(cursor, "todo") == 3
    with acting(plain) as cursor:
        assert count(cursor, "todo") == 0
    with pytest.raises(errors.InsufficientPrivilege):
        plain.rows("SET row_security = off; SELECT * FROM todo")


def test_the_doctor_finds_nothing_wrong(service: Service, plain: Postgres) -> None:
    findings = list(examine(settings(plain)))
    assert len(findings) > 8
    assert [finding for finding in findings if not finding.good] == []
