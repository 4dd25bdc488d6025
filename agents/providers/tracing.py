"""Model calls as spans, by the names of OpenTelemetry's conventions for generative AI."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from agents.providers.base import (
    AssistantTurn,
    Endpoint,
    Message,
    ModelAnswer,
    ModelRequest,
    Provider,
    Stop,
    ToolResult,
)
from audit import telemetry
from audit.telemetry import Value

Complete = TypeVar("Complete", bound=Callable[..., ModelAnswer])
WHOSE: Final[dict[str, str]] = {
    Provider.OPENAI_RESPONSES: "openai",
    Provider.OPENAI_CHAT: "openai",
    Provider.ANTHROPIC_MESSAGES: "anthropic",
    Provider.DEMO: "countersign.demo",
}
REASONS: Final[dict[str, str]] = {Stop.END: "stop", Stop.CALLS: "tool_call", Stop.LENGTH: "length"}


def traced_model_call(complete: Complete) -> Complete:
    """Make a span of each call of a model."""

    @wraps(complete)
    def completed(endpoint: Endpoint, request: ModelRequest, **options: Any) -> ModelAnswer:
        with telemetry.span(f"chat {endpoint.model}", _of_call(endpoint, request), calls_out=True) as span:
            span.content("gen_ai.system_instructions", lambda: [{"type": "text", "content": request.system}])
            span.content("gen_ai.input.messages", lambda: [_message(message) for message in request.messages])
            answer = complete(endpoint, request, **options)
            span.note(**_of_answer(answer))
            reason = REASONS.get(answer.stop, str(answer.stop))
            span.content("gen_ai.output.messages", lambda: [{**_message(answer.turn), "finish_reason": reason}])
        return answer

    return cast(Complete, completed)


def _of_call(endpoint: Endpoint, request: ModelRequest) -> dict[str, Value]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": WHOSE.get(endpoint.provider, endpoint.provider),
        "gen_ai.request.model": endpoint.model,
        "gen_ai.request.max_tokens": request.max_output_tokens,
        **_server(endpoint.base_url),
    }


def _server(url: str) -> dict[str, Value]:
    """Return where the model is; nothing of an address that is none, which the call itself refuses with a sentence."""
    try:
        server = urlsplit(url)
        return {"server.address": server.hostname, "server.port": server.port}
    except ValueError:
        return {}


def _of_answer(answer: ModelAnswer) -> dict[str, Value]:
    return {
        "gen_ai__response__model": answer.model,
        "gen_ai__response__id": answer.response_id,
        "gen_ai__response__finish_reasons": [REASONS.get(answer.stop, str(answer.stop))],
        "gen_ai__usage__input_tokens": answer.usage.input_tokens,
        "gen_ai__usage__output_tokens": answer.usage.output_tokens,
        "gen_ai__usage__cache_read__input_tokens": answer.usage.cached_tokens,
    }


def _message(message: Message) -> dict[str, Any]:
    """Return a message as the conventions' JSON schema has it."""
    if isinstance(message, ToolResult):
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": message.call_id, "response": message.content}],
        }
    parts: list[dict[str, Any]] = [{"type": "text", "content": message.text}] if message.text else []
    if not isinstance(message, AssistantTurn):
        return {"role": "user", "parts": parts}
    for call in message.calls:
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments})
    return {"role": "assistant", "parts": parts}
