"""OpenAI's Responses API.

Only function tools are offered, nothing is stored at OpenAI (``store=False``), and whatever a provider-hosted tool has
done is refused: it would be an effect that no gate has seen.
"""

from typing import TYPE_CHECKING, Any, Final

from agents.providers import failures
from agents.providers.base import AssistantTurn, Endpoint, Message, ModelAnswer, ModelRequest, Stop, Usage, UserText
from agents.providers.collector import Collector, OnDelta, tokens
from agents.providers.history import sent_arguments
from agents.providers.names import ToolNames
from agents.providers.wire import (
    Event,
    base_url,
    cut,
    events,
    exchange,
    foreign,
    object_of,
    objects_of,
    required_key,
    text_of,
)

if TYPE_CHECKING:
    from openai import OpenAI

BASE_URL: Final = "https://api.openai.com/v1"

_HOSTED_EVENTS: Final = tuple(
    f"response.{tool}"
    for tool in (
        "web_search",
        "file_search",
        "code_interpreter",
        "mcp",
        "image_gen",
        "shell",
        "custom_tool",
        "computer",
    )
)


def complete(endpoint: Endpoint, request: ModelRequest, on_delta: OnDelta | None) -> ModelAnswer:
    """Send one request and return the whole answer; raise ``ModelError``."""
    import openai

    names = ToolNames(tool.name for tool in request.tools)
    collector = Collector(names, on_delta)
    key, url = required_key(endpoint), base_url(endpoint, BASE_URL)
    with exchange(endpoint, openai.OpenAIError, openai.APIStatusError) as http:
        client = openai.OpenAI(api_key=key, base_url=url, http_client=http, max_retries=0)
        stop = _read(_open(client, endpoint, request, names), collector, endpoint)
    return collector.answer(stop)


def _open(client: "OpenAI", endpoint: Endpoint, request: ModelRequest, names: ToolNames) -> Any:
    client.organization = client.project = None  # the SDK would send the environment's to any address
    parameters: dict[str, Any] = {
        "model": endpoint.model,
        "input": [item for message in request.messages for item in _items(message, names)],
        "max_output_tokens": request.max_output_tokens,
        "store": False,
        "stream": True,
    }
    if request.cache_key:
        parameters["prompt_cache_key"] = request.cache_key
    if request.system:
        parameters["instructions"] = request.system
    if request.tools:
        parameters["parallel_tool_calls"] = True
        parameters["tools"] = [
            {
                "type": "function",
                "name": names.safe(tool.name),
                "description": tool.description,
                "parameters": tool.input_schema,
                "strict": False,
            }
            for tool in request.tools
        ]
    return client.responses.create(**parameters)


def _items(message: Message, names: ToolNames) -> list[dict[str, Any]]:
    if isinstance(message, UserText):
        return [{"role": "user", "content": message.text}]
    if isinstance(message, AssistantTurn):
        said = [{"role": "assistant", "content": message.text}] if message.text else []
        return said + [
            {
                "type": "function_call",
                "call_id": call.id,
                "name": names.safe(call.name),
                "arguments": sent_arguments(call),
            }
            for call in message.calls
        ]
    return [{"type": "function_call_output", "call_id": message.call_id, "output": message.content}]


def _read(stream: Any, collector: Collector, endpoint: Endpoint) -> Stop:
    """Feed the collector until the end mark and return why it stopped; raise on anything but a whole answer."""
    refused = False
    for event in events(stream):
        kind = text_of(event, "type")
        if kind in {"response.completed", "response.incomplete"}:
            stop = _finish(object_of(event, "response"), collector)
            return Stop.REFUSAL if refused else stop
        if kind == "response.failed":
            error = object_of(object_of(event, "response"), "error")
            raise failures.from_code(text_of(error, "code"), text_of(error, "message"), endpoint=endpoint)
        if kind == "error":
            raise failures.from_code(text_of(event, "code"), text_of(event, "message"), endpoint=endpoint)
        refused = refused or kind == "response.refusal.delta"
        _take(kind, event, collector)
    raise cut()


def _take(kind: str, event: Event, collector: Collector) -> None:
    if kind in {"response.output_text.delta", "response.refusal.delta"}:
        collector.text(text_of(event, "delta"))
    elif kind in {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}:
        collector.reasoning(text_of(event, "delta"))
    elif kind == "response.function_call_arguments.delta":
        collector.arguments(event.get("output_index"), text_of(event, "delta"))
    elif kind in {"response.output_item.added", "response.output_item.done"}:
        _take_item(event.get("output_index"), object_of(event, "item"), collector)
    elif kind.startswith(_HOSTED_EVENTS):
        raise foreign(kind)


def _take_item(index: object, item: Event, collector: Collector) -> None:
    kind = text_of(item, "type")
    if kind == "function_call":
        caller = text_of(object_of(item, "caller"), "type")
        if caller not in {"", "direct"}:
            raise foreign(caller)
        collector.call(index, call_id=text_of(item, "call_id"), name=text_of(item, "name"))
        if text_of(item, "arguments"):
            collector.all_arguments(index, text_of(item, "arguments"))
    elif kind not in {"message", "reasoning"}:
        raise foreign(kind)


def _finish(response: Event, collector: Collector) -> Stop:
    """Take what only the end mark says; a server that streamed no pieces says everything there."""
    refused = False
    streamed = collector.has_text
    for index, item in enumerate(objects_of(response, "output")):
        _take_item(index, item, collector)
        for part in objects_of(item, "content") if text_of(item, "type") == "message" else []:
            refused = refused or text_of(part, "type") == "refusal"
            if not streamed:
                collector.text(text_of(part, "text") or text_of(part, "refusal"))
    usage = object_of(response, "usage")
    details = object_of(usage, "input_tokens_details")
    collector.usage = Usage(
        tokens(usage.get("input_tokens")),
        tokens(usage.get("output_tokens")),
        tokens(details.get("cached_tokens")),
        tokens(details.get("cache_write_tokens")),
    )
    collector.model = text_of(response, "model")
    collector.response_id = text_of(response, "id")
    if refused:
        return Stop.REFUSAL
    if text_of(response, "status") != "incomplete":
        return Stop.END
    reason = text_of(object_of(response, "incomplete_details"), "reason")
    return Stop.REFUSAL if reason == "content_filter" else Stop.LENGTH
