"""The provider-neutral shapes of one model call.

What is asked (``ModelRequest``) and what is answered (``ModelAnswer``) look the same for every provider, and both turn
into JSON and back (``to_json``, ``from_json``), because steps store them. Nothing here comes from the model unchecked:
the adapters sanitise text and parse arguments before they build these.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import TextChoices


class Provider(TextChoices):
    OPENAI_RESPONSES = "openai-responses", "OpenAI (Responses)"
    OPENAI_CHAT = "openai-chat", "OpenAI-compatible (Chat Completions)"
    ANTHROPIC_MESSAGES = "anthropic-messages", "Anthropic (Messages)"
    DEMO = "demo", "Demo planner (not a model)"


class Stop(TextChoices):
    """Why the model stopped."""

    END = "end", "It was done"
    CALLS = "calls", "It calls tools"
    LENGTH = "length", "The length limit cut it off"
    REFUSAL = "refusal", "It refused"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told about it. ``effect`` is ours (``tools.states.Effect``), never the model's word."""

    name: str
    description: str
    input_schema: dict[str, Any]
    effect: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that the model proposes, kept whatever is wrong with it.

    ``problem`` is a sentence where it cannot be used (no JSON, no object, no such tool, cut off); then ``arguments``
    may be None. ``raw`` is what the model wrote.
    """

    id: str
    name: str
    arguments: dict[str, Any] | None
    raw: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class UserText:
    text: str


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What became of one call; ``content`` is JSON text such as ``{"status": "succeeded", ...}``."""

    call_id: str
    name: str
    content: str
    is_error: bool = False


Message = UserText | AssistantTurn | ToolResult


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None is unknown. ``input_tokens`` includes those of its cache.

    ``cached_tokens`` were read from it, which costs less; ``written_tokens`` were put into it, which may cost more, and
    are no part of the answer that a step keeps: they stand in the call's usage record.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    written_tokens: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked. ``cache_key`` is the same for calls that begin alike: providers may keep the beginning."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int = 4096
    cache_key: str = ""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A whole answer; a half one is never built. ``model`` is the one that answered, as the provider names it."""

    text: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    stop: Stop
    usage: Usage
    model: str
    response_id: str

    @property
    def turn(self) -> AssistantTurn:
        return AssistantTurn(self.text, self.calls)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom one model is called.

    ``deadline_seconds`` bounds the whole call by the clock, stream included. There are no hidden retries: the adapters
    send exactly one request, and who calls them decides about another. An empty ``base_url`` is the provider's own.
    ``connection`` names where the key is from. A limit of None is none; the adapters know nothing of limits.
    """

    provider: str
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    deadline_seconds: float = 120.0
    connection: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    at_once: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether anything bounds how often or by how many at once it is called."""
        return any(limit is not None for limit in (self.requests_per_minute, self.tokens_per_minute, self.at_once))

    @property
    def name(self) -> str:
        """What people call it: the model, and by which connection or at which address."""
        where = self.connection or self.base_url
        return f"{self.model} ({where})" if where else self.model


_MESSAGES: Final[dict[str, type[UserText] | type[AssistantTurn] | type[ToolResult]]] = {
    "user": UserText,
    "assistant": AssistantTurn,
    "tool": ToolResult,
}


def message_to_json(message: Message) -> dict[str, Any]:
    """Return ``message`` as a JSON object with its ``role``."""
    if isinstance(message, UserText):
        return {"role": "user", "text": message.text}
    if isinstance(message, AssistantTurn):
        return {"role": "assistant", "text": message.text, "calls": [_call_to_json(call) for call in message.calls]}
    return {
        "role": "tool",
        "call_id": message.call_id,
        "name": message.name,
        "content": message.content,
        "is_error": message.is_error,
    }


def message_from_json(value: dict[str, Any]) -> Message:
    """Return the message that ``message_to_json`` made ``value`` of; raise ``ValueError`` on anything else."""
    fields = {key: item for key, item in value.items() if key != "role"}
    kind = _MESSAGES.get(str(value.get("role")))
    if kind is None:
        raise ValueError(f"A message of role {value.get('role')!r} is not known.")
    if kind is AssistantTurn:
        fields["calls"] = tuple(_call_from_json(item) for item in fields.get("calls", ()))
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(f"A message does not have these fields: {error}") from error


def request_to_json(request: ModelRequest) -> dict[str, Any]:
    """Return ``request`` as a JSON object."""
    return {
        "system": request.system,
        "messages": [message_to_json(message) for message in request.messages],
        "tools": [_tool_to_json(tool) for tool in request.tools],
        "max_output_tokens": request.max_output_tokens,
        "cache_key": request.cache_key,
    }


def request_from_json(value: dict[str, Any]) -> ModelRequest:
    """Return the request that ``request_to_json`` made ``value`` of."""
    return ModelRequest(
        system=value["system"],
        messages=tuple(message_from_json(item) for item in value["messages"]),
        tools=tuple(ToolSpec(**item) for item in value["tools"]),
        max_output_tokens=value["max_output_tokens"],
        cache_key=value.get("cache_key", ""),
    )


def answer_to_json(answer: ModelAnswer) -> dict[str, Any]:
    """Return ``answer`` as a JSON object."""
    return {
        "text": answer.text,
        "reasoning": answer.reasoning,
        "calls": [_call_to_json(call) for call in answer.calls],
        "stop": str(answer.stop),
        "usage": {
            "input_tokens": answer.usage.input_tokens,
            "output_tokens": answer.usage.output_tokens,
            "cached_tokens": answer.usage.cached_tokens,
        },
        "model": answer.model,
        "response_id": answer.response_id,
    }


def answer_from_json(value: dict[str, Any]) -> ModelAnswer:
    """Return the answer that ``answer_to_json`` made ``value`` of."""
    return ModelAnswer(
        text=value["text"],
        reasoning=value["reasoning"],
        calls=tuple(_call_from_json(item) for item in value["calls"]),
        stop=Stop(value["stop"]),
        usage=Usage(**value["usage"]),
        model=value["model"],
        response_id=value["response_id"],
    )


def _call_to_json(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "raw": call.raw,
        "problem": call.problem,
    }


def _call_from_json(value: dict[str, Any]) -> ToolCall:
    return ToolCall(**value)


def _tool_to_json(tool: ToolSpec) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "effect": tool.effect,
    }
