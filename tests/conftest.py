"""A real server over a real Postgres: real migrations, real commits, real sockets.

The Postgres is TEST_DATABASE_URL if that is set, else one of this machine, else the embedded one
(TEST_POSTGRES_MAJOR picks among them). Each worker has a database of its own; tables are emptied
before a test.
"""

import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from app.assistants.base import Assistant
from app.db import url as urls
from app.db.installation import Installation, installations
from app.db.migrations import migrate
from app.main import create_app
from app.settings import Settings
from discretion import Watch
from faults.ground import discreet
from support import (
    GENEROUS,
    SECRET,
    UNHURRIED,
    Postgres,
    Service,
    User,
    as_environment,
    empty,
    served,
    settings,
)

LINES = "lines of logs that tell of somebody"
CLUSTER = "CHAT_HISTORY_TEST_CLUSTER"

# No example has a deadline, and may take its time to be made: a slow machine is no fault of the code.
# The examples are the same in each run: one that finds a fault is not to be met by chance.
hypothesis.settings.register_profile(
    "unhurried",
    deadline=None,
    derandomize=True,
    max_examples=300,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")


def _installation() -> Installation | None:
    """The one that the environment asks for; else a Postgres of this machine before the wheel's."""
    found = sorted(installations(), key=lambda one: "pixeltable" in str(one.programs))
    major = os.environ.get("TEST_POSTGRES_MAJOR")
    return next((one for one in found if major in (None, str(one.major))), None)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: much is tried by waiting for it, for a time-out or a lease, say."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Names the folder of this run's Postgres. Workers inherit the name."""
    if not hasattr(config, "workerinput"):
        os.environ[CLUSTER] = str(Path(tempfile.gettempdir(), f"chat-history-{uuid.uuid4().hex}"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes it, when all workers have left."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[CLUSTER], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def watched_logs() -> Iterator[Watch]:
    """Whoever reads all that is logged in this process, the first test and the end of the last included."""
    watch = Watch()
    logging.getLogger().addHandler(watch)
    logging.getLogger("app").setLevel(logging.DEBUG)
    yield watch
    logging.getLogger().removeHandler(watch)
    assert watch.taken() == []


@pytest.fixture(autouse=True)
def _no_log_tells_of_anybody(
    watched_logs: Watch, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Fails a test in which something is logged that tells of a user, whatever the test is about."""
    before = watched_logs.lines
    yield
    found = watched_logs.taken()
    record_property(LINES, (len(found), watched_logs.lines - before))
    assert found == []


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that also the user can reach as whom root's Postgres runs."""
    with tempfile.TemporaryDirectory(prefix="chat-history-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """The Postgres that all workers of a run share."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield Postgres(urls.parse(given))
        return
    with discreet(Path(os.environ[CLUSTER]), _installation(), durable=False) as url:
        yield Postgres(urls.parse(url))


@pytest.fixture(scope="session")
def own_cluster(open_folder: Path) -> Iterator[Postgres]:
    """A Postgres that nobody else uses, for what the databases of a cluster share: roles."""
    with discreet(open_folder / "cluster", _installation(), durable=False) as url:
        yield Postgres(urls.parse(url))


@pytest.fixture(scope="session")
def make_database(cluster: Postgres) -> Iterator[Callable[[], Postgres]]:
    """Makes empty databases, dropped at the end."""
    made: list[str] = []

    def make() -> Postgres:
        made.append(f"test_{uuid.uuid4().hex[:12]}")
        cluster.rows(f"CREATE DATABASE {made[-1]}")
        return Postgres(cluster.url.set(database=made[-1]))

    yield make
    for name in made:
        cluster.rows(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres(make_database: Callable[[], Postgres]) -> Postgres:
    """This worker's database, migrated."""
    database = make_database()
    migrate(database.url)
    return database


@pytest.fixture(scope="session")
def running_service(postgres: Postgres) -> Iterator[Service]:
    with served(create_app(settings(postgres)), postgres) as service:
        yield service


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    """The server, with empty tables."""
    empty(running_service.postgres)
    yield running_service
    running_service.hang_up()


@pytest.fixture
def alice(service: Service) -> User:
    return service.user("alice@example.com")


@pytest.fixture
def bob(service: Service) -> User:
    return service.user("bob@example.com")


@pytest.fixture
def serve_with(postgres: Postgres) -> Iterator[Callable[..., AbstractContextManager[Service]]]:
    """Starts another server on this worker's database: `with serve_with(setting=...) as it:`."""
    empty(postgres)
    services: list[Service] = []

    @contextmanager
    def serve(assistant: Assistant | None = None, **changes: Any) -> Iterator[Service]:
        with served(create_app(settings(postgres, **changes), assistant), postgres, hang_up=False) as service:
            services.append(service)
            yield service

    yield serve
    for service in services:
        service.hang_up()


@pytest.fixture
def environment() -> dict[str, str]:
    """Nothing configured, and nothing of whoever runs the tests."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in names}


@pytest.fixture
def configured(environment: dict[str, str], postgres: Postgres) -> dict[str, str]:
    empty(postgres)
    given = {"DATABASE_URL": postgres.text, "SECRET_KEY": SECRET, "ALLOW_PLAINTEXT_DATABASE": "true"}
    return {**environment, **given, **as_environment(UNHURRIED | GENEROUS)}


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that also the user can reach as whom root's Postgres runs."""
    with tempfile.TemporaryDirectory(prefix="chat-history-cli-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how often each thing came about that tests count, and how often it was tried.

    A test counts with `record_property("what", (how_often, of_how_many_tries))`. Lines of logs are counted
    when it is over.
    """
    totals: dict[str, tuple[int, int]] = {}
    for outcome in ("passed", "failed", "error", ""):
        for report in terminalreporter.getreports(outcome):
            for what, counted in report.user_properties:
                when = "teardown" if what == LINES else "call"
                if report.when == when and isinstance(counted, tuple | list):
                    found, tried = totals.get(what, (0, 0))
                    totals[what] = (found + counted[0], tried + counted[1])
    if totals:
        terminalreporter.section("how often")
        for what, (found, tried) in sorted(totals.items()):
            terminalreporter.write_line(f"{what}: {found} of {tried}")
