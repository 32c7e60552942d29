"""The first wall, predicate by predicate.

Each statement of a repository is run in one user's name with the ids of another one's, as it is and without
one of its predicates, in a transaction that is taken back. Whether rows come out, rows of the other user are
changed, or only locked: without row-level security it is noticed. With it, a statement may lose all of them.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from psycopg2 import extensions

from app.db.statement import Statement
from app.repositories.base import request_hash
from app.repositories.openings import KEY_BYTES
from support import Postgres

from .application import IDENTITIES, connected, transaction
from .estate import ATTEMPT, KEY, NOBODYS, OWNERS, Estate, said_again
from .statements import Place, places, predicates, without
from .town import Town, fallen, settled

PLACES = list(places())

EQUIVALENT = [
    (
        r"deletion.PURGE_(DELETED|INACTIVE)",
        r"DELETE FROM conversation|FROM conversation",
        "What is removed is read from one's own first, and only one's own of that is removed.",
    ),
    (
        r"history._(NEWEST|OLDEST|AROUND)|conversations._USAGE|replies._(RUNNING|VERSIONS)"
        r"|openings.(ASK|ASKED|EDIT|REGENERATE|REGENERATED|REGENERATE_NAMED|ANSWER_AGAIN)",
        r"((?!lock)\w+: )?FROM message",
        "What is read in another's conversation goes into a row that is not there, or decides whether"
        " something is written that has a predicate of its own: that of the conversation. By the foreign key"
        " both say the same, as a message has the owner of its conversation.",
    ),
    (
        r"openings.(EDIT|REGENERATE|REGENERATE_NAMED|ANSWER_AGAIN)",
        r"UPDATE message SET replaced",
        "The place from which on messages are put away is read from one's own: there is none.",
    ),
    (
        r"openings.(REGENERATE|REGENERATE_NAMED|ANSWER_AGAIN)",
        r"taken: UPDATE conversation SET title",
        "A reply is opened to a question that is read from one's own messages: there is none.",
    ),
    (
        r"export.MESSAGES",
        r"FROM (conversation|message)",
        "The messages are read from one's own conversations, and only one's own of them. As a message has the"
        " owner of its conversation, both say the same.",
    ),
    (
        r"indexed._SEARCH",
        r"(put_away: |deleted: )?FROM (message_words|message|conversation)",
        "A hit is told with its words and its conversation, each of them one's own. As both have one owner,"
        " they say the same. What is put away or deleted is only left out.",
    ),
    (
        r"openings.LOST",
        r"(question: )?FROM message",
        "The question, and what was said before it, are looked for from one's own reply: there is none.",
    ),
]
"""Predicates that nobody misses as long as the others of their statement are there: in which statements they
limit what, and which other one decides. They stay: when that one falls, each still holds something back."""

LEFT_OUT = (
    r"indexed._SEARCH",
    r"(put_away|deleted): FROM (message|conversation)",
    "It limits what is left out of one's own: that of others does not matter there.",
)
"""Predicates that hold nothing back, and only save work."""

_REST = {
    "accounts": [],
    "actor": "user",
    "after": 1,
    "attempt": ATTEMPT,
    "at_number": 2**62,
    "at": datetime.max.replace(tzinfo=UTC),
    "at_id": 2**62,
    "at_seq": 2**62,
    "after_id": 2**62,
    "age": timedelta(0),
    "archived": False,
    "before": 4,
    "completed": True,
    "content": said_again("alice"),
    "description": "mine",
    "event": "signed_in",
    "feedback": "up",
    "finish_reason": "stop",
    "first": 1,
    "generation": 0,
    "generations": [],
    "have": 0,
    "hit_pattern": "alice",
    "issued_at": 0,
    "last": 2**62,
    "lease": timedelta(seconds=10),
    "limit": 2,
    "model": "mine",
    "network": None,
    "parts": None,
    "password_hash": "mine",
    "patterns": ["alice"],
    "pinned": True,
    "request_hash": b"mine",
    "role": "user",
    "status": "stopped",
    "text": "mine, and longer than what is there",
    "timings": None,
    "title_at": datetime.max.replace(tzinfo=UTC),
    "title_id": 2**62,
    "title": "mine",
    "title_source": "user",
    "updated_at": datetime.max.replace(tzinfo=UTC),
    "usage": None,
}
"""What statements take besides ids and the names of users."""

NOT_INDEXED = "UPDATE conversation SET indexed_seq = 0 WHERE user_id = %s"
_KEY = request_hash(KEY, "regenerate", KEY) or b""

_EACH = (f'SELECT xmin, xmax FROM "{table}" WHERE {key} = %s' for table, key in OWNERS.items())
_TOUCHED = f"""
    SELECT count(*), count(*) FILTER (WHERE this IN (xmin::text, xmax::text))
    FROM ({" UNION ALL ".join(_EACH)}) AS theirs, (SELECT pg_current_xact_id()::text AS this) AS mine
"""

Count = Callable[[str, object], None]
Values = dict[str, Any]


@pytest.fixture(scope="module")
def unprotected(unwalled: Postgres) -> Iterator[Town]:
    with settled(unwalled, 4) as town, fallen(unwalled):
        unwalled.rows(NOT_INDEXED, town.alice.user.id)
        yield town


@pytest.fixture(scope="module")
def protected(walled: Postgres) -> Iterator[Town]:
    with settled(walled, 4) as town:
        walled.rows(NOT_INDEXED, town.alice.user.id)
        yield town


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_predicate_is_missed_unless_another_one_decides(
    place: Place, unprotected: Town, record_property: Count
) -> None:
    statement = place.statement
    parts = predicates(statement)
    unnoticed = [n for n in range(len(parts)) if not noticed(unprotected, statement, without(statement, {n}))]
    record_property(
        "predicates whose loss nobody notices, as another one decides", (len(unnoticed), len(parts))
    )
    decided = [any(_applies(argument, place, part) for argument in EQUIVALENT) for part in parts]
    assert unnoticed == [n for n, is_decided in enumerate(decided) if is_decided]
    for number in unnoticed:
        if _applies(LEFT_OUT, place, parts[number]):
            continue
        last = without(statement, set(range(len(parts))) - {number})
        assert noticed(unprotected, last, without(statement)), f"{number}: {parts[number]} holds nothing"


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_row_level_security_makes_the_loss_of_all_harmless(
    place: Place, protected: Town, record_property: Count
) -> None:
    statement = place.statement
    leaks = noticed(protected, statement, without(statement))
    record_property("statements without predicates that leak with row-level security", (int(leaks), 1))
    assert not leaks


def test_no_argument_is_about_nothing() -> None:
    for argument in EQUIVALENT:
        assert any(
            _applies(argument, place, part) for place in PLACES for part in predicates(place.statement)
        )


def _applies(argument: tuple[str, str, str], place: Place, part: str) -> bool:
    statements, limited, _ = argument
    return bool(re.fullmatch(statements, str(place)) and re.fullmatch(limited, part))


def noticed(town: Town, statement: Statement, mutant: Statement) -> bool:
    """Whether the mutant does anything else than the statement, to Bob or to Alice's rows."""
    names = set(re.findall(r"%\((\w+)\)s", statement.sql))
    with connected(town.service.postgres) as connection:
        for case in _cases(town, names):
            seen = [_seen(connection, each, case, names, town.alice) for each in (statement, mutant)]
            if seen[0] != seen[1]:
                return True
    return False


def _cases(town: Town, names: set[str]) -> list[Values]:
    """The ids of each of Alice's rows in each position, hers in Bob's conversation too."""
    alice, bob = town.alice.rows, town.bob
    bobs = {"user_id": bob.user.id, "email": bob.email, "issuer": "one", "subject": "dave"}
    bobs["query"] = f"'{town.alice.user.id}/alice':*"
    cases: list[Values] = [{"todo_id": row.id} for row in alice["todo"]]
    cases += [{"conversation_id": row.id, "client_id": row.client_id} for row in alice["conversation"]]
    for message in alice["message"]:
        said = {other.client_id for other in alice["message"] if other.conversation == message.conversation}
        for place, client_id, named, key in itertools.product(
            (message.conversation, bob.rows["conversation"][0]),
            sorted({*said, NOBODYS}, key=str),
            {message.client_id or str(message.id), str(message.id), NOBODYS},
            (_KEY[:KEY_BYTES], NOBODYS.encode()),
        ):
            assert place is not None
            ids = {"reply_id": message.id, "message_id": message.id, "conversation_id": place.id}
            # Words of the first message, as if it had two parts, and that there are no more up to the last.
            words = {"seqs": [1, 2**32], "numbers": [1, 0], "documents": ["mine", None]}
            words["conversations"] = [place.id] * 2
            cases.append({**ids, **words, "client_id": client_id, "named": named, "key": key})
    whole = [case for each in cases if names <= (case := {**_REST, **bobs, **each}).keys()]
    assert whole, f"nobody knows what {names - {*_REST, *bobs}} are"
    return list({repr([case[name] for name in sorted(names)]): case for case in whole}.values())


def _seen(
    connection: extensions.connection, statement: Statement, values: Values, names: set[str], owner: Estate
) -> tuple[str, list[Any]]:
    """What comes out, in whatever order, and how many of the owner's rows there are and were touched."""
    identity = {name: values[name] for name in IDENTITIES if name in names}
    with transaction(connection, **identity) as cursor:
        try:
            cursor.execute(statement.sql, values)
            rows = cursor.fetchall() if cursor.description else []
            cursor.execute("RESET ROLE")
            cursor.execute(_TOUCHED, [owner.user.id] * len(OWNERS))
            touched = cursor.fetchall()
        except psycopg2.Error as refused:
            rows, touched = [(type(refused).__name__,)], []
        connection.rollback()
    told = sorted(json.dumps(row, default=_plain) for row in rows)
    return owner.told("\n".join(told)), touched


def _plain(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, memoryview) else str(value)
