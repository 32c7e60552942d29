"""An assistant for any language model with OpenAI's chat-completions API."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from ..models.events import Event, Finish, TextDelta, ToolCall, ToolResult
from ..models.text import storable
from ..titles import title_from
from . import tools
from .base import AssistantError, Prompt, Utterance
from .endpoint import Endpoint
from .providers import Provider
from .transcript import Message, answering, call_ids, called, calling, tool_name, transcript
from .wire import Answer, Call

MOST_ROUNDS = 8
"""How many requests one reply may take. Tool calls of the last answer are not carried out."""

TITLE_SECONDS = 10
TITLE_TOKENS = 400
"""A title needs twenty; the rest is for models that reason first."""

_TITLE_EXCERPT = 2_000
_TITLE_WISH = (
    "Name the conversation that begins like this, in its own language and in at most six words. "
    "Answer with the name alone."
)
_AROUND_TITLES = " \t\"'`*_#.“”„«»\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"

_ID = re.compile(r"[!-~]{1,100}")


class ModelAssistant:
    """Asks a model at `endpoint`, the server of `provider`. It may offer tools for the user's todos."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        provider: Provider,
        *,
        model: str,
        system_prompt: str,
        offers_tools: bool,
    ) -> None:
        self.name = name
        self._endpoint = endpoint
        self._system: list[Message] = [{"role": "system", "content": system_prompt}]
        self._offers_tools = offers_tools
        self._options: dict[str, Any] = {"model": model}
        if provider.counts_on_request:
            self._options["stream_options"] = {"include_usage": True}
        if offers_tools:
            self._options["tools"] = tools.definitions()
        self._title_options = {"model": model, provider.limit: TITLE_TOKENS}

    async def close(self) -> None:
        """Closes the connections to the model's server."""
        await self._endpoint.close()

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Event, None]:
        """Yields the model's text as it arrives, its tool calls with their results, and the tokens used.

        Text that arrives at once, or before the previous text was taken, is one event. Raises ModelBusy and
        ModelFailed.
        """
        ids = call_ids()
        messages = self._system + transcript(self._readable(prompt), ids)
        used: set[str] = set()
        for rounds_left in reversed(range(MOST_ROUNDS)):  # pragma: no branch: the last round returns
            async with self._endpoint.streamed({**self._options, "messages": messages}) as pipe:
                while text := await pipe.take():
                    yield TextDelta(text)
                answer = pipe.answer
            if answer.usage is not None:
                yield answer.usage
            wanted = self._wanted(answer)
            if not wanted or not rounds_left:
                yield Finish("tool-calls" if wanted else answer.reason or "other")
                return
            made = [(_shown(call, used, ids), call) for call in wanted]
            messages.append(calling(answer.text, [called(shown) | call.extra for shown, call in made]))
            for shown, _ in made:
                yield shown
            # In sequence, because they change the same list.
            for shown, call in made:
                outcome = await tools.run(prompt.todos, call.name, call.arguments)
                result = ToolResult(shown.id, outcome.output, outcome.error)
                messages.append(answering(result))
                yield result

    async def title(self, question: str, answer: str) -> str | None:
        """Returns a line of at most 80 characters, or None if the model sends none within 10 seconds."""
        begin = f"{question[:_TITLE_EXCERPT]}\n\n{answer[:_TITLE_EXCERPT]}"
        messages = [{"role": "system", "content": _TITLE_WISH}, {"role": "user", "content": begin}]
        try:
            async with asyncio.timeout(TITLE_SECONDS):
                said = await self._endpoint.complete({**self._title_options, "messages": messages})
        except (AssistantError, TimeoutError):
            return None
        return _title(said)

    def _readable(self, prompt: Prompt) -> Sequence[Utterance]:
        """The messages, without tool calls if no tools are offered: Anthropic rejects unknown tools."""
        if self._offers_tools:
            return prompt.messages
        return [replace(said, parts=None) for said in prompt.messages]

    def _wanted(self, answer: Answer) -> list[Call]:
        """The calls to carry out: none of an answer that was cut off, whose last call may be incomplete."""
        whole = answer.reason not in {"length", "content-filter"}
        return answer.calls if self._offers_tools and whole else []


def _shown(call: Call, used: set[str], ids: Iterator[str]) -> ToolCall:
    """The call with a unique id, and a name that can be sent back."""
    own = [call.id] if _ID.fullmatch(call.id) else []
    identity = next(one for one in chain(own, ids) if one not in used)
    used.add(identity)
    return ToolCall(identity, tool_name(call.name), tools.plain_arguments(call.arguments))


def _title(said: str) -> str | None:
    # Some models write their reasoning first. If the answer ends within it, there is no title.
    _, _, said = storable(said).rpartition("</think>")
    if "<think>" in said:
        return None
    line = next(iter(said.strip().splitlines()), "").strip(_AROUND_TITLES)
    return title_from(line.removeprefix("Title:").strip(_AROUND_TITLES))
