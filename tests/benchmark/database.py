"""The seeded database: made once for each size, and kept for the next run."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db import embedded
from benchmark import seed

SIZES = {"full": seed.FULL, "small": seed.SMALL}
MEMORY = {"shared_buffers": "6GB"}
"""What a Postgres with so much in it is given: room for the service's rows and for those of the peers."""

_MIGRATIONS = Path(__file__).parents[2] / "alembic" / "versions"


@contextmanager
def seeded(size: str, progress: Callable[[str], object]) -> Iterator[str]:
    """The URL of a database of this size, in a Postgres of its own that writes durably.

    The first run fills it, and a run after a migration; messages that runs appended are gone at the next.
    """
    shape = repr(SIZES[size]).encode() + b"".join(
        file.read_bytes() for file in sorted(_MIGRATIONS.glob("*.py"))
    )
    digest = hashlib.sha256(shape).hexdigest()[:8]
    folder = Path(tempfile.gettempdir(), f"chat-history-benchmark-{size}-{digest}")
    complete = folder / "complete"
    if not complete.exists() or not complete.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o711)  # root's server runs as another user
    embedded.SETTINGS.update(MEMORY)
    with embedded.running(folder / "data") as url:
        if not complete.exists():
            progress(f"Filling a database in {folder} ...")
            complete.write_text(str(seed.seed(url, SIZES[size])))
        else:
            seed.forget(url, int(complete.read_text()))
        yield url
