"""The document of a running service, and a service on which nothing has happened yet."""

from collections.abc import Callable, Iterator

import pytest

from app.db.migrations import migrate
from app.main import create_app
from openapi.document import Document
from support import Postgres, Service, served, settings


@pytest.fixture
def document(service: Service) -> Document:
    return Document(service.client().get("/openapi.json").json())


@pytest.fixture
def fresh_service(make_database: Callable[[], Postgres]) -> Iterator[Service]:
    """A service with a database of its own, in which the first id is 1."""
    postgres = make_database()
    migrate(postgres.url)
    with served(create_app(settings(postgres)), postgres) as service:
        yield service
