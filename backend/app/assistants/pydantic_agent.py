"""Serves any agent of pydantic-ai as an assistant. Needs the extra `pydantic-ai`.

https://ai.pydantic.dev. Nothing else in this package imports that library.
"""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic_ai import AgentRunResultEvent, AgentStreamEvent, exceptions, messages
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.capabilities import ReinjectSystemPrompt
from pydantic_ai.tools import RunContext, Tool
from pydantic_ai.toolsets import FunctionToolset
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import UIMessage
from pydantic_core import to_json, to_jsonable_python

from ..models.events import Event, Finish, FinishReason, TextDelta, ToolCall, ToolResult, Usage
from ..models.ui import ui_parts
from ..repositories.todos import TodoRepository
from . import tools
from .base import ModelBusy, ModelFailed, Prompt, Utterance
from .transcript import call_ids

log = logging.getLogger(__name__)

_BUSY = (exceptions.ModelRateLimitError, exceptions.ModelUnavailableError)
_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content-filter"}


class PydanticAgent:
    """Serves an agent. Readers see its tools and those of its model's provider, but not its reasoning.

    `deps` makes the `ctx.deps` of the agent's tools. By default, these are the user's todos.
    """

    def __init__(
        self, agent: AbstractAgent[Any, Any], deps: Callable[[Prompt], object] = lambda prompt: prompt.todos
    ) -> None:
        self._agent = agent
        self._deps = deps
        model = agent.model
        self.name = model if isinstance(model, str) else model.model_id if model else agent.name or "agent"

    async def reply(self, prompt: Prompt) -> AsyncIterator[Event]:
        """Yields the agent's events. The result of an output tool becomes text, as JSON.

        Raises ModelBusy, ModelFailed, and what the agent's own tools raise.
        """
        *before, question = prompt.messages
        run = self._agent.run_stream_events(
            question.content,
            message_history=self._history(before),
            deps=self._deps(prompt),
            # Otherwise only the first turn of a conversation has the agent's system prompt.
            capabilities=[ReinjectSystemPrompt()],
            infer_name=False,
        )
        by_tool = False
        try:
            async with run as events:
                async for event in events:
                    if isinstance(event, messages.FinalResultEvent):
                        by_tool = event.tool_name is not None
                    elif isinstance(event, AgentRunResultEvent):
                        if by_tool:
                            yield TextDelta(to_json(event.result.output).decode())
                        yield Usage(event.result.usage.input_tokens, event.result.usage.output_tokens)
                        yield Finish(_REASONS.get(event.result.response.finish_reason or "", "stop"))
                    elif (said := _said(event)) is not None:
                        yield said
        except exceptions.ContentFilterError:
            yield Finish("content-filter")
        except (exceptions.AgentRunError, exceptions.FallbackExceptionGroup) as error:
            log.warning("agent.failed", extra={"error": type(error).__name__})
            raise (ModelBusy if isinstance(error, _BUSY) else ModelFailed) from None

    def _history(self, utterances: Sequence[Utterance]) -> list[messages.ModelMessage]:
        """The messages, without tool calls if the agent has no tools: Anthropic rejects unknown tools."""
        if not any(getattr(toolset, "tools", True) for toolset in self._agent.toolsets):
            utterances = [replace(said, parts=None) for said in utterances]
        ids = call_ids()
        told = enumerate(said for said in utterances if said.content or said.parts)
        return VercelAIAdapter.load_messages([_ui_message(place, said, ids) for place, said in told])


def todo_tools() -> FunctionToolset[TodoRepository]:
    """The todo tools, for an agent whose `deps` are the user's todos."""
    # In sequence, because they change the same list.
    build = partial(Tool[TodoRepository].from_schema, takes_ctx=True, sequential=True)
    return FunctionToolset(
        [
            build(partial(_use, told["name"]), told["name"], told["description"], told["parameters"])
            for told in (definition["function"] for definition in tools.definitions())
        ]
    )


async def _use(tool: str, context: RunContext[TodoRepository], /, **arguments: Any) -> Any:
    outcome = await tools.run(context.deps, tool, json.dumps(arguments))
    if outcome.error is not None:
        raise exceptions.ToolFailed(outcome.error)
    return outcome.output


def _ui_message(place: int, said: Utterance, ids: Iterator[str]) -> UIMessage:
    """A message in the library's format, with all tools as the agent's own and with unique call ids."""
    parts = [
        part | {"toolCallId": next(ids), "providerExecuted": False} if "toolCallId" in part else part
        for part in ui_parts(said.content, said.parts)
    ]
    return UIMessage.model_validate({"id": str(place), "role": said.role, "parts": parts})


def _said(event: AgentStreamEvent) -> Event | None:
    match event:
        case (
            messages.PartStartEvent(part=messages.TextPart(content=text))
            | messages.PartDeltaEvent(delta=messages.TextPartDelta(content_delta=text))
        ):
            return TextDelta(text)
        case (
            messages.FunctionToolCallEvent(part=call)
            | messages.PartEndEvent(part=messages.NativeToolCallPart() as call)
        ):
            return _call(call)
        case (
            messages.FunctionToolResultEvent(part=result)
            | messages.PartStartEvent(part=messages.NativeToolReturnPart() as result)
        ):
            return _result(result)
        case _:
            return None


def _call(part: messages.BaseToolCallPart[Any]) -> ToolCall:
    return ToolCall(part.tool_call_id, part.tool_name, part.args_as_dict())


def _result(part: messages.BaseToolReturnPart[Any]) -> ToolResult:
    if part.outcome != "success":
        return ToolResult(part.tool_call_id, error=part.model_response_str(wrap_if_error=False))
    # Files are for the model only.
    output = part.model_response_object() if part.files else to_jsonable_python(part.content, fallback=str)
    return ToolResult(part.tool_call_id, output)
