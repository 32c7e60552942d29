"""agno: `PostgresDb`. A run is a question and its answer; what it is given as limits is given."""

import asyncio
import time
import uuid

from agno.db.base import SessionType
from agno.db.postgres import PostgresDb
from agno.models.message import Message
from agno.run.agent import RunOutput
from agno.session import AgentSession

from benchmark.stores.calls import ACCOUNTS, LENGTHS, PAGE, TEXT, timed, url


def run(session: str) -> RunOutput:
    messages = [Message(role="user", content=TEXT), Message(role="assistant", content=TEXT)]
    return RunOutput(run_id=str(uuid.uuid4()), session_id=session, agent_id="agent", messages=messages)


def session(name: str, user: str) -> AgentSession:
    return AgentSession(
        session_id=name, agent_id="agent", user_id=user, session_data={}, created_at=int(time.time())
    )


async def main() -> None:
    database = PostgresDb(db_url=url("+psycopg"))

    async def measured(length: int) -> None:
        name = str(uuid.uuid4())
        stored = session(name, "user")
        database.upsert_session(stored)
        for number in range(length // 2):
            database.upsert_run(run(name), name, "user", number)

        def append() -> None:
            database.upsert_run(run(name), name, "user", length)
            database.upsert_session(stored)

        await timed("append", length, append)
        await timed(
            "load",
            length,
            lambda: database.get_session(name, SessionType.AGENT, runs_limit=PAGE // 2),
        )

    async def listed(count: int) -> None:
        user = f"user of {count}"
        database.upsert_sessions([session(str(uuid.uuid4()), user) for _ in range(count)])
        await timed(
            "list",
            count,
            lambda: database.get_sessions(
                SessionType.AGENT, user_id=user, limit=20, page=1, sort_by="updated_at", include_runs=False
            ),
        )

    for length in LENGTHS:
        await measured(length)
    for count in ACCOUNTS:
        await listed(count)


asyncio.run(main())
