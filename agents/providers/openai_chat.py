"""Chat Completions: OpenAI's older protocol, spoken by nearly every other server.

Written for what those servers really send: no key needed, no usage, call ids that are empty or share one index,
reasoning under names of their own. What none of them may send is the work of a tool that they ran by themselves.
"""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from agents.providers.base import AssistantTurn, Endpoint, Message, ModelAnswer, ModelRequest, Stop, Usage, UserText
from agents.providers.collector import Collector, OnDelta, tokens
from agents.providers.history import sent_arguments
from agents.providers.names import ToolNames
from agents.providers.openai_responses import BASE_URL
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

_STOPS: Final[dict[str, Stop]] = {
    "stop": Stop.END,
    "eos": Stop.END,
    "tool_calls": Stop.CALLS,
    "length": Stop.LENGTH,
    "content_filter": Stop.REFUSAL,
}
_HOSTED_FIELDS: Final = ("annotations", "executed_tools", "audio", "function_call")


def complete(endpoint: Endpoint, request: ModelRequest, on_delta: OnDelta | None) -> ModelAnswer:
    """Send one request and return the whole answer; raise ``ModelError``."""
    import openai

    names = ToolNames(tool.name for tool in request.tools)
    reader = _Reader(Collector(names, on_delta))
    key = required_key(endpoint) if endpoint.api_key or not endpoint.base_url else "none"
    url = base_url(endpoint, BASE_URL)
    with exchange(endpoint, openai.OpenAIError, openai.APIStatusError) as http:
        client = openai.OpenAI(api_key=key, base_url=url, http_client=http, max_retries=0)
        for event in events(_open(client, endpoint, request, names)):
            reader.take(event)
    return reader.answer()


def _open(client: "OpenAI", endpoint: Endpoint, request: ModelRequest, names: ToolNames) -> Any:
    client.organization = client.project = None  # the SDK would send the environment's to any address
    system: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    parameters: dict[str, Any] = {
        "model": endpoint.model,
        "messages": system + [_message(message, names) for message in request.messages],
        **own_parameters(endpoint, request),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        parameters["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": names.safe(tool.name),
                    "description": tool.description,
                    "parameters": tool.input_schema,
                },
            }
            for tool in request.tools
        ]
    return client.chat.completions.create(**parameters)


def own_parameters(endpoint: Endpoint, request: ModelRequest) -> dict[str, Any]:
    """Return what OpenAI and Azure are told otherwise than all others.

    They refuse the old name of the output limit with newer models; many others know only that one, and no cache's key.
    """
    host = urlsplit(endpoint.base_url or BASE_URL).hostname or ""
    if not host.endswith((".openai.com", ".azure.com")):
        return {"max_tokens": request.max_output_tokens}
    key = {"prompt_cache_key": request.cache_key} if request.cache_key else {}
    return {"max_completion_tokens": request.max_output_tokens, **key}


def _message(message: Message, names: ToolNames) -> dict[str, Any]:
    if isinstance(message, UserText):
        return {"role": "user", "content": message.text}
    if isinstance(message, AssistantTurn):
        said: dict[str, Any] = {"role": "assistant", "content": message.text}
        if message.calls:
            said["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": names.safe(call.name), "arguments": sent_arguments(call)},
                }
                for call in message.calls
            ]
        return said
    return {"role": "tool", "tool_call_id": message.call_id, "content": message.content}


class _Reader:
    """Reads the chunks of one answer."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._finish = ""
        self._refused = False
        self._open: dict[object, tuple[object, str]] = {}

    def take(self, event: Event) -> None:
        self._collector.model = text_of(event, "model") or self._collector.model
        self._collector.response_id = text_of(event, "id") or self._collector.response_id
        usage = object_of(event, "usage")
        if usage:
            details = object_of(usage, "prompt_tokens_details")
            self._collector.usage = Usage(
                tokens(usage.get("prompt_tokens")),
                tokens(usage.get("completion_tokens")),
                tokens(details.get("cached_tokens")),
            )
        for choice in objects_of(event, "choices")[:1]:
            self._take_delta(object_of(choice, "delta"))
            self._finish = text_of(choice, "finish_reason") or self._finish

    def answer(self) -> ModelAnswer:
        if not self._finish:
            raise cut()
        stop = Stop.REFUSAL if self._refused else _STOPS.get(self._finish, Stop.END)
        return self._collector.answer(stop)

    def _take_delta(self, delta: Event) -> None:
        for name in _HOSTED_FIELDS:
            if delta.get(name):
                raise foreign(name)
        self._collector.text(text_of(delta, "content"))
        self._collector.reasoning(text_of(delta, "reasoning_content") or text_of(delta, "reasoning"))
        refusal = text_of(delta, "refusal")
        self._refused = self._refused or bool(refusal)
        self._collector.text(refusal)
        for call in objects_of(delta, "tool_calls"):
            self._take_call(call)

    def _take_call(self, call: Event) -> None:
        if text_of(call, "type") not in {"", "function"}:
            raise foreign(text_of(call, "type"))
        function = object_of(call, "function")
        key = self._key(call.get("index"), text_of(call, "id"))
        self._collector.call(key, call_id=text_of(call, "id"), name=text_of(function, "name"))
        self._collector.arguments(key, text_of(function, "arguments"))

    def _key(self, index: object, call_id: str) -> object:
        """Return the call that a piece belongs to; a new id under a known index is another call (some servers do)."""
        key, known = self._open.get(index, (None, ""))
        if key is None or (call_id and known and call_id != known):
            key = (index, call_id)
        self._open[index] = (key, call_id or known)
        return key
