"""Readers who leave, come back elsewhere, read slowly, or come twice."""

import asyncio
import json
import random
import socket
from contextlib import suppress
from itertools import product
from typing import Any

from faults.chat import Chat, Seen
from faults.counted import Counted
from faults.lab import PATIENCE, Lab, two
from faults.retries import fresh
from faults.rounds import beside
from faults.script import Script

SECONDS = 0.2
"""Between two looks at a reply that is being written."""

LEAVING = 40
"""Readers at once of those who leave."""

LAST = b"[DONE]"
"""What a stream says at its end."""

LONGEST = 1_600
"""Bytes that the stream of their reply has at the most: some leave at its very end."""

RESUMED = 16
"""Replies at once that are resumed: as many as a user may have."""


async def until_ended(chat: Chat, conversation: int) -> dict[str, object]:
    """The last message, once it is no more being written."""
    async with asyncio.timeout(PATIENCE):
        while True:
            reply = await chat.reply(conversation)
            if reply["status"] != "streaming":
                return reply
            await asyncio.sleep(SECONDS)


async def disconnects(lab: Lab, rounds: int = 100) -> Counted:
    """Readers leave at a random byte: every reply ends complete, and has all that was read."""
    chance = random.Random(7)
    async with lab:
        process = await lab.process(MAX_RUNNING_TURNS_PER_USER=LEAVING)
        _, token = lab.user()
        async with Chat(process, token) as chat:

            async def leave(_: int) -> bytes:
                """What was read."""
                conversation, script = await chat.start(), fresh(pieces=10, pause=0.05)
                read = await _read_bytes(process.port, token, conversation, script, chance.randrange(LONGEST))
                seen = Seen(200)
                # What breaks off in the middle of a line was not shown.
                for line in read.decode(errors="ignore").split("\n")[:-1]:
                    seen.take(line)
                reply = await until_ended(chat, conversation)
                assert (reply["status"], reply["content"]) == ("complete", script.text)
                assert script.text.startswith(seen.text)
                return read

            left = await beside(rounds, LEAVING, leave)
    assert len(lab.calls()) == rounds
    early = sum(LAST not in read for read in left)
    assert early > rounds / 2, f"only {early} of {rounds} readers left before the end"
    sizes = [len(read) for read in left]
    return Counted(
        f"{rounds} readers left after {min(sizes)} to {max(sizes)} bytes, {early} of them before the end, "
        f"{rounds} replies complete",
        early,
    )


async def _read_bytes(port: int, token: str, conversation: int, script: Script, count: int) -> bytes:
    """Sends a question over a socket of its own, reads so many bytes of the answer, and hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_request(token, conversation, script))
        await reader.readuntil(b"\r\n\r\n")
        read = b""
        while len(read) < count and LAST not in read and (data := await reader.read(count - len(read))):
            read += data
        return read
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def _request(token: str, conversation: int, script: Script) -> bytes:
    body = json.dumps({"message": script.question, "client_id": script.key}).encode()
    head = (
        f"POST /api/chat/{conversation}/message HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def slow_readers(lab: Lab, readers: int = 20) -> str:
    """They read one byte and then nothing: the replies end complete, and memory does not grow with them."""
    script = Script("size", pieces=200, pause=0.01, padding=900)
    async with lab:
        process = await lab.process(MAX_RUNNING_TURNS_PER_USER=100)
        _, token = lab.user()
        async with Chat(process, token) as chat:
            before = process.megabytes()
            sockets = []
            conversations = [await chat.start() for _ in range(readers)]
            loop = asyncio.get_running_loop()
            for conversation in conversations:
                slow = socket.socket()
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                slow.setblocking(False)
                await loop.sock_connect(slow, ("127.0.0.1", process.port))
                await loop.sock_sendall(slow, _request(token, conversation, fresh(**_sizes(script))))
                assert await loop.sock_recv(slow, 1) == b"H"
                sockets.append(slow)
            replies = [await until_ended(chat, conversation) for conversation in conversations]
            grown = process.megabytes() - before
            for slow in sockets:
                slow.close()
    assert {reply["status"] for reply in replies} == {"complete"}
    size = min(len(str(reply["content"])) for reply in replies)
    assert size >= 180_000
    assert grown < readers * 3, f"{grown:.0f} MB for {readers} readers of {size} characters"
    return (
        f"{readers} readers of 1 byte, {readers} replies of {size} characters complete, {grown:.0f} MB more"
    )


def _sizes(script: Script) -> dict[str, int | float]:
    return {"pieces": script.pieces, "pause": script.pause, "padding": script.padding}


async def resumes(lab: Lab, rounds: int = 100) -> Counted:
    """Who comes back through the other process in the middle reads the same, tools and text.

    What a history shows in the middle, and what a stream says beyond that, make the history afterwards.
    """
    async with two(lab) as (first, second):
        _, token = lab.user()
        async with Chat(first, token) as here, Chat(second, token) as there:

            async def resume(number: int) -> int:
                """How many readers came before the reply had ended."""
                conversation = await here.start()
                # The tool is used before the gate, or behind it.
                script = fresh(pieces=30, pause=0.02, tool_at=10 + number % 10, gate=20 - number % 7)
                own = await here.begin(conversation, script)
                states = [await there.reply(conversation)]
                # What is shown at another process has been flushed: the tool, and text up to the gate.
                flushed = script.piece(script.gate - 1)
                early = await there.follow(conversation, lambda seen: seen.text.endswith(flushed))
                reading = [own, early, *[await chat.follow(conversation) for chat in (there, here)]]
                in_the_middle = sum(not reader.done() for reader in reading)
                states.append(await (here, there)[number % 2].reply(conversation))
                assert states[-1]["content"] == "".join(map(script.piece, range(script.gate)))
                assert {state["status"] for state in states} == {"streaming"}
                lab.open_gate(script.key)
                readers = await asyncio.gather(*reading)
                for seen in readers:
                    assert (seen.status, seen.text, seen.ending) == (200, script.text, "finish")
                    assert seen.parts == readers[0].parts
                    assert len(seen.parts) == 2
                    assert seen.reply_id == readers[0].reply_id
                after = await there.reply(conversation)
                for state, seen in product(states, readers):
                    assert _continued(state, seen) == (after["id"], after["content"], _tools(after))
                gone = await there.resume(conversation)
                assert gone.status == 204
                return in_the_middle

            came = sum(await beside(rounds, RESUMED, resume))
    assert came == 4 * rounds, f"only {came} readers came before a reply had ended"
    return Counted(
        f"{rounds} replies, {came} readers at 2 processes, 0 of another text; {2 * rounds} histories in the "
        "middle, each with the rest of every stream equal to the history afterwards",
        came,
    )


def _tools(reply: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a reply of a history shows of each tool."""
    return {part["toolCallId"]: part for part in reply["parts"] or () if part["type"].startswith("tool-")}


def _continued(state: dict[str, Any], seen: Seen) -> tuple[int, str, dict[str, dict[str, Any]]]:
    """The id, text and tools of a reply in a history, with what a stream says beyond what they show."""
    assert (seen.reply_id, seen.text[: len(state["content"])]) == (state["id"], state["content"])
    tools = _tools(state)
    shown = {name for name, tool in tools.items() if "output" in tool}
    for event in seen.parts:
        name, step = event["toolCallId"], event["type"].removeprefix("tool-")
        if name in shown:
            continue
        if step == "input-available":
            tools[name] = {"type": f"tool-{event['toolName']}", "toolCallId": name, "input": event["input"]}
        else:
            tools[name]["output"] = event["output"]
        tools[name]["state"] = step
    return state["id"], state["content"] + seen.text[len(state["content"]) :], tools


async def limits(lab: Lab) -> str:
    """Too many replies at once: 429 for one user, 503 for all, both with Retry-After; then it goes on."""
    async with lab:
        process = await lab.process(MAX_RUNNING_TURNS=3, MAX_RUNNING_TURNS_PER_USER=2)
        tokens = [lab.user()[1] for _ in range(3)]
        alice, bob, carol = (Chat(process, token) for token in tokens)
        async with alice, bob, carol:
            gated = fresh(pieces=4, gate=2)
            running = [asyncio.create_task(alice.ask(await alice.start(), fresh_of(gated, n))) for n in "ab"]
            await lab.asked(*(gated.key + one for one in "ab"))
            conversation = await alice.start()
            many = await alice.ask(conversation, fresh())
            assert (many.status_code, many.json().get("code")) == (429, "too_many_turns")
            running.append(asyncio.create_task(bob.ask(await bob.start(), fresh_of(gated, "c"))))
            await lab.asked(gated.key + "c")
            full = await carol.ask(await carol.start(), fresh())
            assert (full.status_code, full.json().get("code")) == (503, "overloaded")
            assert int(many.headers["retry-after"]) > 0
            assert int(full.headers["retry-after"]) > 0
            assert await alice.messages(conversation) == []
            for one in "abc":
                lab.open_gate(gated.key + one)
            assert {(await answer).json()["reply"]["status"] for answer in running} == {"complete"}
            assert (await alice.ask(conversation, fresh())).status_code == 200
    return "3 running, 1 answer 429, 1 answer 503, both with Retry-After"


def fresh_of(script: Script, suffix: str) -> Script:
    """The same with another key."""
    return Script(script.key + suffix, script.pieces, script.pause, script.tool_at, script.gate)
