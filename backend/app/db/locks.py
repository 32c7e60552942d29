"""File locks of a data directory (`flock`), which the kernel releases when their holder ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import SetupError

if sys.platform != "win32":  # pragma: no branch: tests run on the systems that have `flock`
    import fcntl


def claimed(folder: Path) -> Path:
    """Returns the folder of the locks, which marks a data directory as ours. Creates it in an empty one."""
    if sys.platform == "win32":  # pragma: no cover: tests run on the systems that have `flock`
        raise SetupError("The embedded PostgreSQL needs Linux or macOS: set DATABASE_URL.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    locks = folder / "locks"
    # The order matters: a process that sees files of another one here also sees its mark, which came first.
    if any(folder.iterdir()) and not locks.is_dir():
        raise SetupError(f"{folder} holds something else: set DATA_DIR to an empty folder.")
    locks.mkdir(mode=0o700, exist_ok=True)
    return locks


def lock(path: Path, shared: bool = False) -> TextIO:
    """Waits for the lock, which is held until the returned file is closed."""
    file = path.open("a+")
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    return file


def exclusive(file: TextIO) -> bool:
    """Tries to get the lock for this file alone, without waiting. Returns whether that succeeded."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def free(path: Path) -> TextIO | None:
    """Returns the lock, or None if it is held already. Does not wait."""
    file = path.open("a+")
    if exclusive(file):
        return file
    file.close()
    return None


@contextmanager
def exclusively(data_directory: Path) -> Iterator[None]:
    """Makes this process the one that serves the directory.

    Raises SetupError with the process id of another one that already does.
    """
    with explained(data_directory):
        file = (claimed(data_directory) / "serve").open("a+")
    with file:
        with explained(data_directory):
            if not exclusive(file):
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise SetupError(
                    f"{data_directory} is served already, by process {holder}: "
                    "stop that one, or set DATA_DIR to another folder."
                )
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns an error of the operating system in a data directory into a SetupError."""
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise SetupError(
            f"The data directory {folder} cannot be used: {error.strerror}{place}. "
            "Mend that, or set DATA_DIR to another folder."
        ) from error
