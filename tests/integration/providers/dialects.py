"""The three protocols' answers, built of the SDKs' own types and dumped as event streams."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

import anthropic.types as a
import openai.types.chat.chat_completion_chunk as c
import openai.types.responses as r
from anthropic.types.raw_message_delta_event import Delta
from openai.types.completion_usage import CompletionUsage, PromptTokensDetails
from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

Calls = list[tuple[str, str, str]]


class Dumpable(Protocol):
    def model_dump_json(self, *, exclude_none: bool, by_alias: bool) -> str: ...


class Dialect(Protocol):
    provider: str
    path: str
    end: bytes

    def open(self) -> bytes: ...
    def text(self, *pieces: str) -> bytes: ...
    def calls(self, calls: Calls) -> bytes: ...
    def close(self, why: str) -> bytes: ...
    def refusal(self, text: str) -> bytes: ...
    def foreign(self) -> bytes: ...
    def failure(self, kind: str) -> bytes: ...
    def error(self, kind: str, message: str) -> bytes: ...


def dump(event: Dumpable, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {event.model_dump_json(exclude_none=True, by_alias=True)}\n\n".encode()


@dataclass
class Responses:
    provider: str = "openai-responses"
    path: str = "/responses"
    end: bytes = b""
    _index: int = 0

    def _response(self, status: Any, why: str = "") -> r.Response:
        usage = r.ResponseUsage(
            input_tokens=120,
            input_tokens_details=InputTokensDetails(cached_tokens=20, cache_write_tokens=0),
            output_tokens=30,
            output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
            total_tokens=150,
        )
        details = IncompleteDetails(reason="max_output_tokens") if why else None
        return r.Response(
            id="resp_1", created_at=1.0, model="gpt-5.1", object="response", output=[], parallel_tool_calls=True,
            tool_choice="auto", tools=[], status=status, usage=usage, incomplete_details=details,
        )  # fmt: skip

    def open(self) -> bytes:
        self._index = 0
        event = r.ResponseCreatedEvent(
            response=self._response("in_progress"), sequence_number=0, type="response.created"
        )
        return dump(event, event.type)

    def _added(self, item: Any) -> bytes:
        event = r.ResponseOutputItemAddedEvent(
            item=item, output_index=self._index, sequence_number=1, type="response.output_item.added"
        )
        return dump(event, event.type)

    def text(self, *pieces: str) -> bytes:
        item = r.ResponseOutputMessage(id="msg_1", content=[], role="assistant", status="in_progress", type="message")
        out = self._added(item)
        for piece in pieces:
            event = r.ResponseTextDeltaEvent(
                content_index=0, delta=piece, item_id="msg_1", logprobs=[], output_index=self._index,
                sequence_number=2, type="response.output_text.delta",
            )  # fmt: skip
            out += dump(event, event.type)
        self._index += 1
        return out

    def calls(self, calls: Calls) -> bytes:
        out = b""
        for call_id, name, arguments in calls:
            item = r.ResponseFunctionToolCall(
                id=f"fc_{self._index}", arguments="", call_id=call_id, name=name, type="function_call"
            )
            out += self._added(item)
            for piece in (arguments[:3], arguments[3:]):
                event = r.ResponseFunctionCallArgumentsDeltaEvent(
                    delta=piece, item_id=f"fc_{self._index}", output_index=self._index, sequence_number=3,
                    type="response.function_call_arguments.delta",
                )  # fmt: skip
                out += dump(event, event.type)
            done = r.ResponseOutputItemDoneEvent(
                item=item.model_copy(update={"arguments": arguments}), output_index=self._index, sequence_number=4,
                type="response.output_item.done",
            )  # fmt: skip
            out += dump(done, done.type)
            self._index += 1
        return out

    def close(self, why: str) -> bytes:
        if why == "length":
            cut = r.ResponseIncompleteEvent(
                response=self._response("incomplete", why), sequence_number=9, type="response.incomplete"
            )
            return dump(cut, cut.type)
        event = r.ResponseCompletedEvent(
            response=self._response("completed"), sequence_number=9, type="response.completed"
        )
        return dump(event, event.type)

    def refusal(self, text: str) -> bytes:
        event = r.ResponseRefusalDeltaEvent(
            content_index=0, delta=text, item_id="msg_1", output_index=0, sequence_number=2,
            type="response.refusal.delta",
        )  # fmt: skip
        return self.open() + dump(event, event.type) + self.close("refusal")

    def foreign(self) -> bytes:
        from openai.types.responses.response_function_web_search import ActionSearch

        item = r.ResponseFunctionWebSearch(
            id="ws_1", action=ActionSearch(query="x", type="search"), status="completed", type="web_search_call"
        )
        return self._added(item)

    def failure(self, kind: str) -> bytes:
        event = r.ResponseErrorEvent(code=kind, message="It broke.", sequence_number=3, type="error")
        return dump(event, event.type)

    def error(self, kind: str, message: str) -> bytes:
        return json.dumps({"error": {"message": message, "type": kind, "code": kind, "param": None}}).encode()


@dataclass
class Chat:
    provider: str = "openai-chat"
    path: str = "/chat/completions"
    end: bytes = b"data: [DONE]\n\n"

    def _chunk(self, delta: c.ChoiceDelta, why: Any = None) -> bytes:
        choice = c.Choice(delta=delta, index=0, finish_reason=why)
        return dump(
            c.ChatCompletionChunk(
                id="resp_1", choices=[choice], created=1, model="gpt-5.1", object="chat.completion.chunk"
            )
        )

    def open(self) -> bytes:
        return self._chunk(c.ChoiceDelta(role="assistant", content=""))

    def text(self, *pieces: str) -> bytes:
        return b"".join(self._chunk(c.ChoiceDelta(content=piece)) for piece in pieces)

    def calls(self, calls: Calls) -> bytes:
        out = b""
        for index, (call_id, name, arguments) in enumerate(calls):
            start = c.ChoiceDeltaToolCallFunction(name=name, arguments=arguments[:3])
            first = c.ChoiceDeltaToolCall(index=index, id=call_id, type="function", function=start)
            rest = c.ChoiceDeltaToolCall(index=index, function=c.ChoiceDeltaToolCallFunction(arguments=arguments[3:]))
            out += self._chunk(c.ChoiceDelta(tool_calls=[first])) + self._chunk(c.ChoiceDelta(tool_calls=[rest]))
        return out

    def close(self, why: str) -> bytes:
        reason = {"calls": "tool_calls", "length": "length"}.get(why, "stop")
        usage = CompletionUsage(
            completion_tokens=30, prompt_tokens=120, total_tokens=150,
            prompt_tokens_details=PromptTokensDetails(cached_tokens=20),
        )  # fmt: skip
        last = c.ChatCompletionChunk(
            id="resp_1", choices=[], created=1, model="gpt-5.1", object="chat.completion.chunk", usage=usage
        )
        return self._chunk(c.ChoiceDelta(), reason) + dump(last)

    def refusal(self, text: str) -> bytes:
        return self.open() + self._chunk(c.ChoiceDelta(refusal=text)) + self.close("end")

    def foreign(self) -> bytes:
        delta = c.ChoiceDelta.model_validate(
            {"content": "It is sunny.", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://x"}}]}
        )
        return self._chunk(delta)

    def failure(self, kind: str) -> bytes:
        return b"data: " + self.error(kind, "It broke.") + b"\n\n"

    def error(self, kind: str, message: str) -> bytes:
        return Responses().error(kind, message)


@dataclass
class Messages:
    provider: str = "anthropic-messages"
    path: str = "/v1/messages"
    end: bytes = b""
    _index: int = 0

    def open(self) -> bytes:
        self._index = 0
        usage = a.Usage(input_tokens=100, output_tokens=1, cache_read_input_tokens=20)
        message = a.Message(
            id="resp_1", content=[], model="claude-sonnet-4-6", role="assistant", type="message", usage=usage
        )
        event = a.RawMessageStartEvent(message=message, type="message_start")
        return dump(event, event.type) + b'event: ping\ndata: {"type": "ping"}\n\n'

    def _block(self, block: Any, *deltas: Any) -> bytes:
        start = a.RawContentBlockStartEvent(content_block=block, index=self._index, type="content_block_start")
        out = dump(start, start.type)
        for delta in deltas:
            event = a.RawContentBlockDeltaEvent(delta=delta, index=self._index, type="content_block_delta")
            out += dump(event, event.type)
        stop = a.RawContentBlockStopEvent(index=self._index, type="content_block_stop")
        self._index += 1
        return out + dump(stop, stop.type)

    def text(self, *pieces: str) -> bytes:
        deltas = [a.TextDelta(text=piece, type="text_delta") for piece in pieces]
        return self._block(a.TextBlock(text="", type="text"), *deltas)

    def calls(self, calls: Calls) -> bytes:
        return b"".join(
            self._block(
                a.ToolUseBlock(id=call_id, input={}, name=name, type="tool_use"),
                a.InputJSONDelta(partial_json=arguments[:3], type="input_json_delta"),
                a.InputJSONDelta(partial_json=arguments[3:], type="input_json_delta"),
            )
            for call_id, name, arguments in calls
        )

    def close(self, why: str) -> bytes:
        reasons: dict[str, Any] = {"calls": "tool_use", "length": "max_tokens", "refusal": "refusal"}
        event = a.RawMessageDeltaEvent(
            delta=Delta(stop_reason=reasons.get(why, "end_turn")),
            type="message_delta",
            usage=a.MessageDeltaUsage(output_tokens=30),
        )
        stop = a.RawMessageStopEvent(type="message_stop")
        return dump(event, event.type) + dump(stop, stop.type)

    def refusal(self, text: str) -> bytes:
        return self.open() + self.text(text) + self.close("refusal")

    def foreign(self) -> bytes:
        return self._block(a.ServerToolUseBlock(id="srvtoolu_1", input={}, name="web_search", type="server_tool_use"))

    def failure(self, kind: str) -> bytes:
        return b"event: error\ndata: " + self.error(kind, "It broke.") + b"\n\n"

    def error(self, kind: str, message: str) -> bytes:
        return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
