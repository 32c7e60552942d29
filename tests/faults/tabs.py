"""Tabs of one user that send at the same moment into the same conversation."""

import asyncio

from faults.chat import Chat
from faults.counted import Counted
from faults.lab import Lab, two
from faults.retries import CROWDS, fresh
from faults.rounds import beside

TALK = 7
"""Rounds in one conversation: with two tabs to eight."""


async def races(lab: Lab, rounds: int = 200) -> Counted:
    """Of two to eight messages at once all but one are refused, told where to read, and sent again."""
    counts = [2 + number % TALK for number in range(rounds)]
    talks = [counts[first : first + TALK] for first in range(0, rounds, TALK)]
    async with two(lab) as (first, second):

        async def talk(number: int) -> int:
            """How many messages were refused."""
            _, token = lab.user()
            async with Chat(first, token) as here, Chat(second, token) as there:
                conversation, refused = await here.start(), 0
                for count in talks[number]:
                    tabs = [(here, there)[tab % 2] for tab in range(count)]
                    refused += await _race(lab, conversation, tabs)
                messages = await here.messages(conversation)
                assert messages == await there.messages(conversation)
            sent = sum(talks[number])
            assert [message["seq"] for message in messages] == list(range(1, 2 * sent + 1))
            return refused

        refused = sum(await beside(len(talks), CROWDS, talk))
    assert refused == sum(counts) - rounds
    return Counted(
        f"{rounds} times two to eight tabs at once, {refused} answers 409, "
        f"all histories equal at both processes",
        refused,
    )


async def _race(lab: Lab, conversation: int, tabs: list[Chat]) -> int:
    """How many messages were refused: all but one."""
    scripts = [fresh(pieces=4, pause=0, gate=2) for _ in tabs]
    async with lab.crowd(conversation, len(tabs)):
        sent = [
            asyncio.create_task(tab.begin(conversation, script))
            for tab, script in zip(tabs, scripts, strict=True)
        ]
    begun = await asyncio.gather(*sent)
    # The reply that was begun is still being written: all the others were told of that one.
    for script in scripts:
        lab.open_gate(script.key)
    seen = await asyncio.gather(*begun)
    assert sorted(one.status for one in seen) == [200, *[409] * (len(tabs) - 1)]
    [winner] = [one for one in seen if one.status == 200]
    for tab, script, one in zip(tabs, scripts, seen, strict=True):
        if one is winner:
            assert (one.text, one.ending) == (script.text, "finish")
        else:
            assert one.problem["code"] == "turn_in_progress"
            assert one.problem["reply_id"] == winner.reply_id
            assert one.problem["resume"] == f"/api/chat/{conversation}/stream"
            again = await tab.stream(conversation, script)
            assert (again.status, again.text) == (200, script.text)
    return sum(one.status == 409 for one in seen)
