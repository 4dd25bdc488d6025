"""Anthropic's Messages API.

No ``temperature`` (the SDK refuses it), no provider-hosted tools. Results of tools are user content there, and must
come first in the turn after the calls. What a call has in common with the next one is marked to be kept for five
minutes: tools and instructions, and, where tools may be called, the conversation up to here.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from agents.providers.base import (
    AssistantTurn,
    Endpoint,
    Message,
    ModelAnswer,
    ModelRequest,
    Stop,
    ToolResult,
    Usage,
)
from agents.providers.collector import Collector, OnDelta, tokens
from agents.providers.history import replayed
from agents.providers.names import ToolNames
from agents.providers.wire import Event, base_url, cut, events, exchange, foreign, object_of, required_key, text_of

if TYPE_CHECKING:
    from anthropic import Anthropic

BASE_URL: Final = "https://api.anthropic.com"

KEPT: Final = {"cache_control": {"type": "ephemeral"}}
_STOPS: Final[dict[str, Stop]] = {
    "end_turn": Stop.END,
    "stop_sequence": Stop.END,
    "tool_use": Stop.CALLS,
    "max_tokens": Stop.LENGTH,
    "model_context_window_exceeded": Stop.LENGTH,
    "refusal": Stop.REFUSAL,
}


def complete(endpoint: Endpoint, request: ModelRequest, on_delta: OnDelta | None) -> ModelAnswer:
    """Send one request and return the whole answer; raise ``ModelError``."""
    import anthropic

    names = ToolNames(tool.name for tool in request.tools)
    reader = _Reader(Collector(names, on_delta))
    key, url = required_key(endpoint), base_url(endpoint, BASE_URL)
    with exchange(endpoint, anthropic.AnthropicError, anthropic.APIStatusError) as http:
        client = anthropic.Anthropic(
            api_key=key,
            base_url=url,
            http_client=http,
            max_retries=0,
            open_telemetry=False,
        )
        for event in events(_open(client, endpoint, request, names)):
            reader.take(event)
    return reader.answer()


def _open(client: "Anthropic", endpoint: Endpoint, request: ModelRequest, names: ToolNames) -> Any:
    parameters: dict[str, Any] = {
        "model": endpoint.model,
        "messages": _messages(request.messages, names),
        "max_tokens": request.max_output_tokens,
        "stream": True,
    }
    if request.system:
        parameters["system"] = [{"type": "text", "text": request.system, **KEPT}]
    if request.tools:
        _keep_conversation(parameters["messages"])
        parameters["tools"] = [
            {"name": names.safe(tool.name), "description": tool.description, "input_schema": tool.input_schema}
            for tool in request.tools
        ]
    return client.messages.create(**parameters)


def _keep_conversation(turns: list[dict[str, Any]]) -> None:
    if turns:
        turns[-1]["content"][-1] |= KEPT


def _messages(messages: tuple[Message, ...], names: ToolNames) -> list[dict[str, Any]]:
    """Return alternating turns; neighbours of one role become one turn, and empty blocks are left out."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if isinstance(message, AssistantTurn) else "user"
        blocks = _blocks(message, names)
        if blocks and turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message, names: ToolNames) -> list[dict[str, Any]]:
    if isinstance(message, ToolResult):
        return [
            {
                "type": "tool_result",
                "tool_use_id": message.call_id,
                "content": message.content,
                "is_error": message.is_error,
            }
        ]
    said: list[dict[str, Any]] = [{"type": "text", "text": message.text}] if message.text.strip() else []
    calls = message.calls if isinstance(message, AssistantTurn) else ()
    return said + [
        {"type": "tool_use", "id": call.id, "name": names.safe(call.name), "input": replayed(call)} for call in calls
    ]


class _Reader:
    """Reads the events of one answer."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._usage: Event = {}
        self._reason = ""
        self._explanation = ""
        self._ended = False

    def take(self, event: Event) -> None:
        kind = text_of(event, "type")
        if kind == "message_start":
            message = object_of(event, "message")
            self._collector.model = text_of(message, "model")
            self._collector.response_id = text_of(message, "id")
            self._usage |= object_of(message, "usage")
        elif kind == "content_block_start":
            self._start(event.get("index"), object_of(event, "content_block"))
        elif kind == "content_block_delta":
            self._delta(event.get("index"), object_of(event, "delta"))
        elif kind == "message_delta":
            self._message_delta(object_of(event, "delta"), object_of(event, "usage"))
        elif kind == "message_stop":
            self._ended = True

    def answer(self) -> ModelAnswer:
        if self._reason == "pause_turn":
            raise foreign("pause_turn")
        stop = _STOPS.get(self._reason)
        if not self._ended or stop is None:
            raise cut()
        if stop is Stop.REFUSAL and not self._collector.has_text:
            self._collector.text(self._explanation)
        self._collector.usage = _usage(self._usage)
        return self._collector.answer(stop)

    def _start(self, index: object, block: Event) -> None:
        kind = text_of(block, "type")
        if kind == "tool_use":
            caller = text_of(object_of(block, "caller"), "type")
            if caller not in {"", "direct"} or block.get("toolset_name"):
                raise foreign(caller or "toolset")
            self._collector.call(index, call_id=text_of(block, "id"), name=text_of(block, "name"))
            if object_of(block, "input"):  # the whole arguments at once; normally they follow in pieces
                self._collector.arguments(index, json.dumps(block["input"]))
        elif kind == "text":
            self._collector.text(text_of(block, "text"))
        elif kind not in {"thinking", "redacted_thinking"}:
            raise foreign(kind)

    def _delta(self, index: object, delta: Event) -> None:
        kind = text_of(delta, "type")
        if kind == "text_delta":
            self._collector.text(text_of(delta, "text"))
        elif kind == "input_json_delta":
            self._collector.arguments(index, text_of(delta, "partial_json"))
        elif kind == "thinking_delta":
            self._collector.reasoning(text_of(delta, "thinking"))

    def _message_delta(self, delta: Event, usage: Event) -> None:
        self._reason = text_of(delta, "stop_reason") or self._reason
        self._explanation = text_of(object_of(delta, "stop_details"), "explanation")
        self._usage |= {key: value for key, value in usage.items() if value is not None}


def _usage(usage: Event) -> Usage:
    """Count as the others do: Anthropic leaves cached tokens out of ``input_tokens``."""
    fresh = tokens(usage.get("input_tokens"))
    read = tokens(usage.get("cache_read_input_tokens"))
    written = tokens(usage.get("cache_creation_input_tokens"))
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    return Usage(total, tokens(usage.get("output_tokens")), read, written)
