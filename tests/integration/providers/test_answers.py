"""What the three adapters make of whole answers."""

import json

from agents.providers import (
    AssistantTurn,
    Endpoint,
    ModelRequest,
    Stop,
    ToolCall,
    ToolResult,
    Usage,
    UserText,
    complete,
)
from tests.integration.providers.dialects import Dialect
from tests.integration.providers.server import ModelServer, chunked, stream

NAME = "crm_customer_find"
WANTED = '{"email": "a@b.example"}'


def test_text_arrives_whole_and_in_pieces(server, dialect: Dialect, endpoint, question) -> None:
    server.script = chunked(dialect.open() + dialect.text("Hel", "lo ✓") + dialect.close("end") + dialect.end)
    pieces: list[str] = []
    answer = complete(endpoint, question, on_delta=pieces.append)
    assert (answer.text, answer.stop, answer.calls) == ("Hello ✓", Stop.END, ())
    assert pieces == ["Hel", "lo ✓"]
    assert answer.usage == Usage(120, 30, 20)
    assert answer.response_id == "resp_1"
    assert answer.model in {"gpt-5.1", "claude-sonnet-4-6"}


def test_one_request_with_function_tools_only(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.text("Hello"), dialect.close("end"), dialect.end)
    complete(endpoint, question)
    (seen,) = server.requests
    assert seen.path == dialect.path
    assert seen.body["stream"] is True
    assert "temperature" not in seen.body
    (tool,) = seen.body["tools"]
    assert tool.get("type", "function") == "function"
    assert NAME in json.dumps(tool)
    assert seen.body.get("store", False) is False
    assert seen.headers["accept-encoding"] == "identity"


def test_call_is_parsed_and_named_as_ours(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.calls([("c1", NAME, WANTED)]), dialect.close("calls"), dialect.end)
    answer = complete(endpoint, question)
    assert answer.stop is Stop.CALLS
    assert answer.calls == (ToolCall("c1", "crm.customer.find", {"email": "a@b.example"}, WANTED, None),)


def test_parallel_calls_keep_order_and_arguments(server, dialect: Dialect, endpoint, question) -> None:
    calls = [(f"c{number}", NAME, json.dumps({"email": f"{number}@b.example"})) for number in range(40)]
    server.script = stream(
        dialect.open(), dialect.text("Looking."), dialect.calls(calls), dialect.close("calls"), dialect.end
    )
    answer = complete(endpoint, question)
    assert answer.text == "Looking."
    assert [(call.id, call.arguments) for call in answer.calls] == [
        (f"c{number}", {"email": f"{number}@b.example"}) for number in range(40)
    ]


def test_call_without_arguments_has_none(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.calls([("c1", NAME, "")]), dialect.close("calls"), dialect.end)
    assert complete(endpoint, question).calls[0].arguments == {}


def test_call_with_broken_json_is_kept_with_its_problem(server, dialect: Dialect, endpoint, question) -> None:
    calls = [("c1", NAME, '{"email": '), ("c2", NAME, "[1]"), ("c3", NAME, '{"a": NaN}'), ("c4", NAME, WANTED)]
    server.script = stream(dialect.open(), dialect.calls(calls), dialect.close("calls"), dialect.end)
    found = complete(endpoint, question).calls
    assert [call.arguments for call in found] == [None, None, None, {"email": "a@b.example"}]
    assert "not JSON" in str(found[0].problem)
    assert "not a JSON object" in str(found[1].problem)
    assert "not JSON" in str(found[2].problem)
    assert found[0].raw == '{"email": '


def test_call_of_an_unknown_tool_is_kept_with_its_problem(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.calls([("c1", "rm_rf", "{}")]), dialect.close("calls"), dialect.end)
    (call,) = complete(endpoint, question).calls
    assert call.name == "rm_rf"
    assert "no tool named" in str(call.problem)


def test_calls_with_one_id_get_ids_of_their_own(server, dialect: Dialect, endpoint, question) -> None:
    calls = [("", NAME, WANTED), ("", NAME, WANTED)]
    server.script = stream(dialect.open(), dialect.calls(calls), dialect.close("calls"), dialect.end)
    ids = [call.id for call in complete(endpoint, question).calls]
    assert len(set(ids)) == 2
    assert all(ids)


def test_hostile_text_and_numbers_are_made_storable(server, dialect: Dialect, endpoint, question) -> None:
    raw = '{"email": "\\ud800 \\u0000", "n": 123456789012345678901234567890}'
    server.script = stream(
        dialect.open(), dialect.text("nul\x00"), dialect.calls([("c1", NAME, raw)]), dialect.close("calls"), dialect.end
    )
    answer = complete(endpoint, question)
    assert answer.text == "nul\ufffd"
    assert answer.calls[0].arguments == {"email": "? \ufffd", "n": "123456789012345678901234567890"}


def test_length_marks_the_call_that_was_cut(server, dialect: Dialect, endpoint, question) -> None:
    calls = [("c1", NAME, WANTED), ("c2", NAME, "{}")]
    server.script = stream(dialect.open(), dialect.calls(calls), dialect.close("length"), dialect.end)
    answer = complete(endpoint, question)
    assert answer.stop is Stop.LENGTH
    assert answer.calls[0].problem is None
    assert "cut off" in str(answer.calls[1].problem)


def test_length_without_a_word_is_no_error(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.open(), dialect.close("length"), dialect.end)
    assert complete(endpoint, question).stop is Stop.LENGTH


def test_refusal_is_a_stop_with_its_words(server, dialect: Dialect, endpoint, question) -> None:
    server.script = stream(dialect.refusal("I will not."), dialect.end)
    answer = complete(endpoint, question)
    assert (answer.stop, answer.text) == (Stop.REFUSAL, "I will not.")


def test_history_is_sent_in_the_protocols_own_shape(
    server: ModelServer, dialect: Dialect, endpoint: Endpoint, question: ModelRequest
) -> None:
    broken = ToolCall("c2", "crm.customer.find", None, "{oops", "The arguments are not JSON.")
    history = (
        *question.messages,
        AssistantTurn("Looking.", (ToolCall("c1", "crm.customer.find", {"email": "a@b.example"}, WANTED), broken)),
        ToolResult("c1", "crm.customer.find", '{"status":"succeeded"}'),
        ToolResult("c2", "crm.customer.find", '{"status":"failed"}', is_error=True),
        UserText("And?"),
    )
    server.script = stream(dialect.open(), dialect.text("Done."), dialect.close("end"), dialect.end)
    complete(endpoint, ModelRequest("", history, question.tools, 10))
    body = server.requests[0].body
    sent = body.get("messages") or body["input"]
    roles = [item.get("role") or item["type"] for item in sent]
    assert (
        roles
        == {
            "openai-responses": ["user", "assistant", *["function_call"] * 2, *["function_call_output"] * 2, "user"],
            "openai-chat": ["user", "assistant", "tool", "tool", "user"],
            "anthropic-messages": ["user", "assistant", "user"],
        }[endpoint.provider]
    )
    assert "INVALID_JSON" in json.dumps(sent)
