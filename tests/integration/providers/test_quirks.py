"""What only one of the protocols, or only some servers, do."""

import json
from dataclasses import replace
from typing import Any

import anthropic.types as a
import openai.types.chat.chat_completion_chunk as c
import openai.types.responses as r
import pytest
from anthropic.types.raw_message_delta_event import Delta
from anthropic.types.refusal_stop_details import RefusalStopDetails
from openai.types.responses.response import IncompleteDetails
from openai.types.responses.response_error import ResponseError

from agents.providers import AssistantTurn, Endpoint, ModelAnswer, ModelRequest, Stop, Usage, UserText, complete, errors
from tests.integration.providers.conftest import KEY
from tests.integration.providers.dialects import Chat, Messages, Responses, dump
from tests.integration.providers.server import ModelServer, stream

NAME = "crm_customer_find"
ARGUMENTS = '{"email": "a@b.example"}'


def ask(server: ModelServer, provider: str, request: ModelRequest, *parts: bytes) -> ModelAnswer:
    server.script = stream(*parts)
    return complete(Endpoint(provider, "some-model", server.url, KEY, 10), request)


def finished(**fields: Any) -> bytes:
    """Return the end mark of a Responses stream whose response has these fields."""
    response = Responses()._response("completed").model_copy(update=fields)
    event = r.ResponseCompletedEvent(response=response, sequence_number=9, type="response.completed")
    return dump(event, event.type)


def message(*parts: r.ResponseOutputText | r.ResponseOutputRefusal) -> r.ResponseOutputMessage:
    return r.ResponseOutputMessage(id="m", content=list(parts), role="assistant", status="completed", type="message")


def test_responses_that_only_the_end_mark_tells(server, question) -> None:
    call = r.ResponseFunctionToolCall(arguments=ARGUMENTS, call_id="c1", name=NAME, type="function_call")
    text = r.ResponseOutputText(annotations=[], text="Looking.", type="output_text")
    answer = ask(server, "openai-responses", question, finished(output=[message(text), call]))
    assert answer.text == "Looking."
    assert [(found.id, found.arguments) for found in answer.calls] == [("c1", {"email": "a@b.example"})]


def test_responses_text_is_not_taken_twice(server, question) -> None:
    text = r.ResponseOutputText(annotations=[], text="Hello", type="output_text")
    dialect = Responses()
    answer = ask(
        server,
        "openai-responses",
        question,
        dialect.open(),
        dialect.text("Hel", "lo"),
        finished(output=[message(text)]),
    )
    assert answer.text == "Hello"


def test_responses_refusal_in_the_end_mark(server, question) -> None:
    refusal = r.ResponseOutputRefusal(refusal="I will not.", type="refusal")
    answer = ask(server, "openai-responses", question, finished(output=[message(refusal)]))
    assert (answer.stop, answer.text) == (Stop.REFUSAL, "I will not.")


def test_responses_content_filter_is_a_refusal(server, question) -> None:
    ended = finished(status="incomplete", incomplete_details=IncompleteDetails(reason="content_filter"))
    assert ask(server, "openai-responses", question, ended).stop is Stop.REFUSAL


def test_responses_without_usage_are_of_unknown_size(server, question) -> None:
    answer = ask(server, "openai-responses", question, Responses().text("Hello"), finished(usage=None))
    assert answer.usage == Usage(None, None, None)


def test_responses_reasoning_is_kept_apart(server, question) -> None:
    thought = r.ResponseReasoningSummaryTextDeltaEvent(
        delta="Hm.", item_id="r", output_index=0, sequence_number=1, summary_index=0,
        type="response.reasoning_summary_text.delta",
    )  # fmt: skip
    answer = ask(server, "openai-responses", question, dump(thought, thought.type), Responses().text("Hi"), finished())
    assert (answer.reasoning, answer.text) == ("Hm.", "Hi")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("rate_limit_exceeded", errors.RateLimited), ("server_error", errors.ProviderFailed),
     ("invalid_prompt", errors.BadRequest)],
)  # fmt: skip
def test_responses_failed_event_is_an_error(server, question, code: Any, expected) -> None:
    failed = Responses()._response("failed").model_copy(update={"error": ResponseError(code=code, message="No.")})
    event = r.ResponseFailedEvent(response=failed, sequence_number=2, type="response.failed")
    with pytest.raises(expected) as caught:
        ask(server, "openai-responses", question, dump(event, event.type))
    assert caught.value.may_have_cost


def hosted_items() -> list[Any]:
    from openai.types.responses.response_code_interpreter_tool_call import ResponseCodeInterpreterToolCall
    from openai.types.responses.response_custom_tool_call import ResponseCustomToolCall
    from openai.types.responses.response_output_item import McpCall, McpListTools

    return [
        ResponseCodeInterpreterToolCall(
            id="ci", code="1", container_id="x", outputs=None, status="completed", type="code_interpreter_call"
        ),
        McpCall(id="mcp", arguments="{}", name="x", server_label="y", type="mcp_call", output="done"),
        McpListTools(id="l", server_label="y", tools=[], type="mcp_list_tools"),
        ResponseCustomToolCall(call_id="c", input="x", name="y", type="custom_tool_call"),
        r.ResponseFunctionToolCall.model_validate(
            {"arguments": "{}", "call_id": "c", "name": NAME, "type": "function_call",
             "caller": {"type": "program", "caller_id": "p"}}
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("item", hosted_items(), ids=lambda item: item.type)
def test_invariant_01_responses_hosted_work_is_refused_wherever_it_shows(server, question, item: Any) -> None:
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "openai-responses", question, Responses()._added(item))
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "openai-responses", question, Responses().text("Hi"), finished(output=[item]))


def test_invariant_01_responses_hosted_event_is_refused(server, question) -> None:
    event = r.ResponseMcpCallInProgressEvent(
        item_id="x", output_index=0, sequence_number=1, type="response.mcp_call.in_progress"
    )
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "openai-responses", question, dump(event, event.type))


def test_chat_calls_that_share_an_index_stay_apart(server, question) -> None:
    calls = [
        c.ChoiceDeltaToolCall(
            index=0, id=f"c{n}", type="function", function=c.ChoiceDeltaToolCallFunction(name=NAME, arguments=ARGUMENTS)
        )
        for n in (1, 2)
    ]
    dialect = Chat()
    answer = ask(
        server, "openai-chat", question, dialect._chunk(c.ChoiceDelta(tool_calls=calls)), dialect.close("calls")
    )
    assert [(call.id, call.arguments) for call in answer.calls] == [
        ("c1", {"email": "a@b.example"}),
        ("c2", {"email": "a@b.example"}),
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_chat_reasoning_has_two_names(server, question, field: str) -> None:
    dialect = Chat()
    thought = dialect._chunk(c.ChoiceDelta.model_validate({field: "Hm."}))
    answer = ask(server, "openai-chat", question, thought, dialect.text("Hi"), dialect.close("end"))
    assert (answer.reasoning, answer.text) == ("Hm.", "Hi")


def test_chat_without_usage_or_done_mark_is_whole(server, question) -> None:
    dialect = Chat()
    answer = ask(server, "openai-chat", question, dialect.text("Hi"), dialect._chunk(c.ChoiceDelta(), "stop"))
    assert (answer.text, answer.usage) == ("Hi", Usage(None, None, None))


def test_chat_sends_the_old_name_of_the_limit_to_other_servers(server) -> None:
    dialect = Chat()
    ask(server, "openai-chat", ModelRequest("", (UserText("Hi"),), (), 77), dialect.text("Hi"), dialect.close("end"))
    body = server.requests[0].body
    assert body["max_tokens"] == 77
    assert "tools" not in body
    assert [item["role"] for item in body["messages"]] == ["user"]


@pytest.mark.parametrize(
    "delta",
    [
        {"function_call": {"name": NAME, "arguments": "{}"}},
        {"executed_tools": [{"type": "python"}]},
        {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "x"}}]},
    ],
    ids=["legacy call", "executed tools", "custom call"],
)
def test_invariant_01_chat_hosted_work_is_refused(server, question, delta: dict[str, Any]) -> None:
    dialect = Chat()
    chunk = c.ChatCompletionChunk.model_construct(
        id="x", created=1, model="m", object="chat.completion.chunk", choices=[{"index": 0, "delta": delta}]
    )
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "openai-chat", question, dump(chunk), dialect.close("end"))


def test_messages_thinking_is_kept_apart(server, question) -> None:
    dialect = Messages()
    opening = dialect.open()
    thought = dialect._block(
        a.ThinkingBlock(signature="", thinking="", type="thinking"),
        a.ThinkingDelta(thinking="Hm.", type="thinking_delta"),
        a.SignatureDelta(signature="s", type="signature_delta"),
    )
    answer = ask(server, "anthropic-messages", question, opening, thought, dialect.text("Hi"), dialect.close("end"))
    assert (answer.reasoning, answer.text) == ("Hm.", "Hi")


def test_messages_arguments_may_come_at_once(server, question) -> None:
    dialect = Messages()
    opening = dialect.open()
    block = dialect._block(a.ToolUseBlock(id="c1", input={"email": "a@b.example"}, name=NAME, type="tool_use"))
    answer = ask(server, "anthropic-messages", question, opening, block, dialect.close("calls"))
    assert answer.calls[0].arguments == {"email": "a@b.example"}


def ending(**fields: Any) -> bytes:
    event = a.RawMessageDeltaEvent(
        delta=Delta(**fields), type="message_delta", usage=a.MessageDeltaUsage(output_tokens=3)
    )
    stop = a.RawMessageStopEvent(type="message_stop")
    return dump(event, event.type) + dump(stop, stop.type)


def test_messages_refusal_without_words_gives_its_explanation(server, question) -> None:
    details = RefusalStopDetails(type="refusal", category=None, explanation="Not this.")
    ended = ending(stop_reason="refusal", stop_details=details)
    answer = ask(server, "anthropic-messages", question, Messages().open(), ended)
    assert (answer.stop, answer.text) == (Stop.REFUSAL, "Not this.")


def test_messages_refusal_keeps_the_calls_but_marks_them(server, question) -> None:
    dialect = Messages()
    opening = dialect.open()
    answer = ask(
        server,
        "anthropic-messages",
        question,
        opening,
        dialect.calls([("c1", NAME, ARGUMENTS)]),
        dialect.close("refusal"),
    )
    assert answer.stop is Stop.REFUSAL
    assert "refused" in str(answer.calls[0].problem)


def test_messages_full_context_is_a_length_stop(server, question) -> None:
    ended = ending(stop_reason="model_context_window_exceeded")
    assert ask(server, "anthropic-messages", question, Messages().open(), ended).stop is Stop.LENGTH


def test_invariant_01_messages_paused_turn_is_refused(server, question) -> None:
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "anthropic-messages", question, Messages().open(), ending(stop_reason="pause_turn"))


@pytest.mark.parametrize(
    "extra", [{"caller": {"type": "code_execution_20250825", "tool_id": "t"}}, {"toolset_name": "browser"}]
)
def test_invariant_01_messages_call_by_a_hosted_tool_is_refused(server, question, extra: dict[str, Any]) -> None:
    block = a.ToolUseBlock.model_validate({"id": "c1", "input": {}, "name": NAME, "type": "tool_use"} | extra)
    dialect = Messages()
    with pytest.raises(errors.ForeignToolOutput):
        ask(server, "anthropic-messages", question, dialect.open(), dialect._block(block))


def test_messages_unknown_stop_reason_is_no_answer(server, question) -> None:
    dialect = Messages()
    ended = ending(stop_reason="end_turn").replace(b"end_turn", b"something_new")
    with pytest.raises(errors.StreamCut):
        ask(server, "anthropic-messages", question, dialect.open(), dialect.text("Hi"), ended)


def test_messages_count_cached_tokens_as_input(server, question) -> None:
    dialect = Messages()
    answer = ask(server, "anthropic-messages", question, dialect.open(), dialect.text("Hi"), dialect.close("end"))
    assert answer.usage == Usage(120, 30, 20)


def test_messages_say_what_to_keep_of_the_call_for_the_next_one(server, question) -> None:
    dialect, kept = Messages(), {"cache_control": {"type": "ephemeral"}}
    told = replace(question, messages=(*question.messages, AssistantTurn("Hm."), UserText("And?")))
    for request in (told, replace(told, tools=())):
        ask(server, "anthropic-messages", request, dialect.open(), dialect.text("Hi"), dialect.close("end"))
    body, without = (seen.body for seen in server.requests)
    assert body["system"] == [{"type": "text", "text": "Be brief.", **kept}]
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "And?", **kept}]
    assert "cache_control" not in json.dumps(body["messages"][:-1]) + json.dumps(without["messages"])


def test_responses_name_what_begins_alike(server, question) -> None:
    ask(server, "openai-responses", replace(question, cache_key="k"), Responses().text("Hi"), finished())
    assert server.requests[0].body["prompt_cache_key"] == "k"
