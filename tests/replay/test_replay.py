"""Real conversations survive kill -9 of the server, and of its Postgres, byte for byte and in order."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.replay import Said, replay, samples, shipped

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chat-history-replay-") as name:
        Path(name).chmod(0o711)  # root's Postgres runs as another user
        yield Path(name)


def check(conversations: list[Said], data: Path) -> None:
    counted = replay(conversations, data)
    print(f"replayed: {counted}")
    assert counted["messages"] == 2 * sum(map(len, conversations))
    assert (counted["lost"], counted["changed"], counted["foreign"]) == (0, 0, 0)


def test_the_shipped_conversations_survive(data: Path) -> None:
    check(shipped(), data)


def test_real_conversations_survive(data: Path) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the folder with real conversations is not beside this repository")
    conversations = samples(SAMPLES)
    assert len(conversations) > 300
    check(conversations, data)
