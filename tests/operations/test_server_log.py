"""What a Postgres that is not embedded writes into its log, and the commands of the page that end it."""

import re
from contextlib import suppress
from pathlib import Path

import psycopg2

from app.db import embedded, url as urls
from operations.test_backup import PAGE
from support import Postgres

AS_IT_COMES = {"log_min_messages": "warning", "log_min_error_statement": "error"}


def test_after_the_commands_of_the_page_nothing_of_what_fails_is_written(open_folder: Path) -> None:
    [commands] = re.findall(r"(?s)```sql\n(.*?)\n```", PAGE)
    folder = open_folder / "logging"
    with embedded.running(folder, durable=False) as url:
        server = Postgres(urls.parse(url))
        for name, value in AS_IT_COMES.items():
            server.rows(f'ALTER ROLE "{server.url.username}" SET {name} = {value}')
        _fail(server, "words of somebody")
        server.rows(commands.replace("alex", f'"{server.url.username}"'))
        _fail(server, "words of somebody else")
    log = (folder / "postgres.log").read_text()
    assert log.count("words of somebody") == 1
    assert log.count("division by zero") == 1


def _fail(server: Postgres, words: str) -> None:
    with suppress(psycopg2.errors.DivisionByZero):
        server.rows("SELECT 1 / 0, %s", words)
