"""All servers of this folder are watched: no test here sees an answer that is not sound."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from support import Service, User

from .answers import Watched, watched
from .echo import Echo


@pytest.fixture
def service(service: Service) -> Watched:
    return watched(service)


@pytest.fixture
def serve_with(
    serve_with: Callable[..., AbstractContextManager[Service]],
) -> Callable[..., AbstractContextManager[Watched]]:
    @contextmanager
    def serve(*arguments: Any, **changes: Any) -> Iterator[Watched]:
        with serve_with(*arguments, **changes) as service:
            yield watched(service)

    return serve


@pytest.fixture
def echoed(serve_with: Callable[..., AbstractContextManager[Watched]]) -> Iterator[User]:
    """Alice at a server whose assistant repeats what it heard."""
    with serve_with(Echo()) as service:
        yield service.user("alice@example.com")
        service.hang_up()
