"""The demo planner's rules, on generated tickets and tools as well as on plain ones."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.providers import (
    AssistantTurn,
    Endpoint,
    Message,
    ModelAnswer,
    ModelRequest,
    Stop,
    ToolResult,
    ToolSpec,
    UserText,
    complete,
)

DEMO = Endpoint("demo", "demo-planner")
TEXT = {"type": "string"}
FIND = ToolSpec("x.find", "", {"type": "object", "properties": {"email": TEXT, "id": TEXT, "name": TEXT}}, "read")
UPDATE = ToolSpec(
    "x.update",
    "",
    {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": TEXT,
            "tier": {"type": "string", "enum": ["basic", "silver", "gold"]},
            "address": {"type": "string", "maxLength": 60},
            "note": TEXT,
        },
    },
    "reversible",
)
MAIL = ToolSpec(
    "y.send",
    "",
    {"type": "object", "required": ["to", "body"], "properties": {"to": TEXT, "subject": TEXT, "body": TEXT}},
    "irreversible",
)
TOOLS = (FIND, UPDATE, MAIL)
ROW = {
    "id": "C-1",
    "email": "real@record.example",
    "name": "Real Person",
    "tier": "basic",
    "address": "Old",
    "note": "",
}
OTHER = ROW | {"id": "C-2", "email": "other@record.example"}


def said(**content: Any) -> str:
    return json.dumps(content)


def turn(messages: list[Message], tools: tuple[ToolSpec, ...] = TOOLS) -> ModelAnswer:
    return complete(DEMO, ModelRequest("", tuple(messages), tools))


def answered(messages: list[Message], answer: ModelAnswer, *contents: str) -> list[Message]:
    """Return the conversation after every call of ``answer`` got its content (the last one serves the rest)."""
    texts = [*contents, *[contents[-1]] * len(answer.calls)]
    results = [ToolResult(call.id, call.name, text) for call, text in zip(answer.calls, texts, strict=False)]
    return [*messages, answer.turn, *results]


def proposed(
    ticket: str, *rows: dict[str, Any], tools: tuple[ToolSpec, ...] = TOOLS
) -> tuple[list[Message], ModelAnswer]:
    """Return the conversation up to the proposal, and the proposal."""
    messages: list[Message] = [UserText(ticket)]
    messages = answered(messages, turn(messages, tools), said(status="succeeded", result={"rows": list(rows)}))
    return messages, turn(messages, tools)


def writes(answer: ModelAnswer) -> dict[str, Any]:
    return {call.name: call.arguments for call in answer.calls if call.name != FIND.name}


def test_it_says_that_it_is_no_model() -> None:
    answer = turn([UserText("Hello")])
    assert answer.model == "demo-planner"
    assert "not a model" in answer.reasoning
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (0, 0)


def test_final_answer_is_streamed_too() -> None:
    pieces: list[str] = []
    answer = complete(DEMO, ModelRequest("", (UserText("Hello"),)), on_delta=pieces.append)
    assert pieces == [answer.text]


def test_everything_that_may_name_a_customer_is_looked_up_at_once() -> None:
    answer = turn([UserText('I am a@b.example, customer C-77, "Ada Lovelace". Also a@b.example.')])
    assert answer.stop is Stop.CALLS
    assert [call.arguments for call in answer.calls] == [
        {"email": "a@b.example"},
        {"id": "C-77"},
        {"name": "Ada Lovelace"},
    ]
    assert len({call.id for call in answer.calls}) == 3


def test_ticket_that_names_nobody_goes_to_a_person() -> None:
    answer = turn([UserText("It does not work!")])
    assert (answer.stop, answer.calls) == (Stop.END, ())
    assert "person" in answer.text


def test_number_is_looked_up_as_a_number_where_the_tool_wants_one() -> None:
    tool = ToolSpec("n", "", {"properties": {"customer_id": {"type": "integer"}}, "required": ["customer_id"]}, "read")
    (call,) = turn([UserText("customer number 4711 calls")], (tool,)).calls
    assert call.arguments == {"customer_id": 4711}


def test_query_tool_takes_what_no_better_argument_takes() -> None:
    tool = ToolSpec("q", "", {"properties": {"query": TEXT}, "required": ["query"]}, "read")
    (call,) = turn([UserText("from a@b.example")], (tool,)).calls
    assert call.arguments == {"query": "a@b.example"}


def test_nobody_found_proposes_nothing() -> None:
    for content in (said(status="succeeded", result={"rows": []}), said(status="not_found"), "null", "[]", "gibberish"):
        messages: list[Message] = [UserText("a@b.example wants tier gold")]
        answer = turn(answered(messages, turn(messages), content))
        assert answer.calls == ()
        assert "person" in answer.text


def test_failed_lookup_says_why() -> None:
    messages: list[Message] = [UserText("a@b.example")]
    answer = turn(answered(messages, turn(messages), said(status="failed", error="The CRM is down.")))
    assert answer.calls == ()
    assert "The CRM is down." in answer.text


def test_several_customers_are_asked_about() -> None:
    _, answer = proposed("a@b.example wants tier gold", ROW, OTHER)
    assert answer.calls == ()
    assert "Which one" in answer.text


def test_one_customer_found_twice_is_one() -> None:
    _, answer = proposed("a@b.example, C-1: tier gold please", ROW)
    assert set(writes(answer)) == {"x.update", "y.send"}


def test_change_and_mail_are_proposed_in_one_turn() -> None:
    _, answer = proposed('a@b.example: upgrade me to gold. New address: "5 High St, Leeds"', ROW)
    assert writes(answer)["x.update"] == {"id": "C-1", "tier": "gold", "address": "5 High St, Leeds"}
    mail = writes(answer)["y.send"]
    assert mail["to"] == "real@record.example"
    assert "tier and address" in mail["body"]


@pytest.mark.parametrize(
    ("ticket", "change"),
    [
        ("Please set my tier to gold.", {"tier": "gold"}),
        ("Move me from silver to gold", {"tier": "gold"}),
        ("GOLD tier please", {"tier": "gold"}),
        ("Bitte stufen Sie mich auf gold hoch", {"tier": "gold"}),
        ("Could you change my tier to gold?", {"tier": "gold"}),
        ("my new address is 5 High St, Leeds, please", {"address": "5 High St, Leeds"}),
        ("change the address to 5 High St\nThanks", {"address": "5 High St"}),
        ('Meine Adresse lautet "Hauptstraße 5"', {"address": "Hauptstraße 5"}),
        ("Nouvelle adresse : 3 rue X", {"address": "3 rue X"}),
        ("note: call after five", {"note": "call after five"}),
    ],
)
def test_requested_change_is_found(ticket: str, change: dict[str, str]) -> None:
    _, answer = proposed(f"C-1 here.\n{ticket}", ROW)
    assert writes(answer)["x.update"] == {"id": "C-1"} | change


@pytest.mark.parametrize(
    "ticket",
    [
        "What is the gold tier?",
        "Please do not upgrade me to gold.",
        "Set my tier to basic",
        "gold or silver tier?",
        "my address is wrong",
        "tier to gold, tier to silver",
        "The goldfish tier is nice",
        f"new address: {'x' * 61}",
        "Everything is fine.",
    ],
)
def test_what_is_not_asked_is_not_changed(ticket: str) -> None:
    _, answer = proposed(f"C-1 here.\n{ticket}", ROW)
    assert set(writes(answer)) == {"y.send"}


def test_nested_arguments_are_filled_where_they_belong() -> None:
    schema = {
        "type": "object",
        "required": ["key", "set"],
        "properties": {
            "key": {"type": "object", "required": ["customer_id"], "properties": {"customer_id": TEXT}},
            "set": {"type": "object", "properties": {"note": TEXT}},
        },
    }
    _, answer = proposed("C-1\nnote: hello", ROW, tools=(FIND, ToolSpec("u", "", schema, "reversible")))
    assert writes(answer) == {"u": {"key": {"customer_id": "C-1"}, "set": {"note": "hello"}}}


def test_tool_that_needs_more_than_is_known_is_left_alone() -> None:
    update = ToolSpec(
        "u",
        "",
        {"required": ["id", "ticket_code"], "properties": {"id": TEXT, "ticket_code": TEXT, "note": TEXT}},
        "reversible",
    )
    mail = ToolSpec(
        "m",
        "",
        {"required": ["to", "body", "campaign"], "properties": {"to": TEXT, "body": TEXT, "campaign": TEXT}},
        "irreversible",
    )
    _, answer = proposed("C-1\nnote: hello", ROW, tools=(FIND, update, mail))
    assert answer.calls == ()
    assert "person" in answer.text


def test_outcomes_are_reported() -> None:
    messages, proposal = proposed("C-1 tier gold", ROW)
    answer = turn(answered(messages, proposal, said(status="succeeded"), said(status="in_doubt")))
    assert answer.calls == ()
    assert "x.update was done" in answer.text
    assert "may or may not have happened" in answer.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (said(status="rejected"), "rejected by a person."),
        (said(status="denied", reasons=["No mail on Sundays.", "Too many."]), "No mail on Sundays.; Too many."),
        (said(status="answered", answer="I called her."), "I called her."),
        (said(status="failed", error="No route."), "failed: No route."),
        (said(status="expired"), "not decided in time"),
        (said(status="cancelled"), "cancelled"),
        (said(status="edited", changed={"body": ["a", "b"]}), "changed by a person (body)"),
        (said(status="succeeded", changed={"body": "b"}, result={"status": "failed"}), "whose version stands (failed)"),
        (said(status="invented"), "ended as 'invented'"),
        ("gibberish", "was done"),
    ],
)
def test_every_outcome_ends_the_run_with_words(content: str, words: str) -> None:
    messages, proposal = proposed("C-1 hello", ROW)
    answer = turn(answered(messages, proposal, content))
    assert answer.calls == ()
    assert words in answer.text


def test_rejected_mail_is_proposed_once_more_and_differently() -> None:
    messages, proposal = proposed("C-1 tier gold", ROW)
    messages = answered(messages, proposal, said(status="succeeded"), said(status="rejected", reason="Too eager."))
    again = turn(messages)
    (call,) = again.calls
    assert call.name == "y.send"
    assert call.arguments is not None
    assert call.arguments["to"] == "real@record.example"
    assert call.arguments != writes(proposal)["y.send"]
    assert "tier" not in call.arguments["body"]
    assert "Too eager" not in call.arguments["body"]
    last = turn(answered(messages, again, said(status="rejected", reason="Still no.")))
    assert last.calls == ()
    assert "Still no." in last.text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "email", "name", "rows", "result", "status", "properties", "required", "enum", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
clue_texts = st.sampled_from(
    [
        "a@b.example",
        "C-1",
        '"Ada Lovelace"',
        "tier to gold",
        "note: x",
        "address is now 5 St",
        "\u202e",
        "<b>",
        "\x00",
        "عميل",
    ]
)
tickets = st.lists(st.one_of(st.text(max_size=60), clue_texts), max_size=12).map(" ".join)
tool_specs = st.builds(
    ToolSpec,
    st.sampled_from(["a", "b.c", "d"]),
    st.just(""),
    st.one_of(
        values.filter(lambda value: isinstance(value, dict)), st.sampled_from([tool.input_schema for tool in TOOLS])
    ),
    st.sampled_from(["read", "reversible", "compensatable", "irreversible", "egress", ""]),
)
contents = st.one_of(
    st.text(max_size=40),
    values.map(json.dumps),
    st.builds(lambda row, status: said(status=status, result=row), st.sampled_from([ROW, OTHER, [ROW, OTHER], []]),
              st.sampled_from(["succeeded", "rejected", "edited", "denied", "failed", "not_found"])),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(tickets, st.lists(tool_specs, max_size=4).map(tuple), st.lists(contents, min_size=1, max_size=4))
def test_any_conversation_ends_without_an_error_or_a_repeated_call(
    ticket: str, tools: tuple[ToolSpec, ...], replies: list[str]
) -> None:
    messages: list[Message] = [UserText(ticket)]
    made: list[str] = []
    for reply in replies * 4:
        answer = turn(messages, tools)
        assert answer == turn(messages, tools)
        made += [json.dumps([call.name, call.arguments], sort_keys=True) for call in answer.calls]
        if not answer.calls:
            assert answer.text
            break
        messages = answered(messages, answer, reply)
    assert answer.stop is Stop.END
    assert len(set(made)) == len(made)


@settings(max_examples=150, deadline=None)
@given(tickets, st.lists(st.sampled_from([ROW, OTHER]), max_size=3))
def test_only_one_customer_is_ever_written_to_and_only_at_the_address_on_record(
    ticket: str, rows: list[dict[str, str]]
) -> None:
    _, answer = proposed(ticket, *rows)
    found = writes(answer)
    if len({row["id"] for row in rows}) != 1:
        assert not found
    for arguments in found.values():
        assert arguments.get("to", rows[0]["email"]) == rows[0]["email"]
        assert arguments.get("id", rows[0]["id"]) == rows[0]["id"]


@pytest.mark.parametrize("piece", ["a", "x@", "address: ", '" Ab Cd', "gold tier ", "a.b@c.", "- ", "\u0000", "["])
def test_ticket_of_a_megabyte_is_read_quickly_enough_to_finish(piece: str) -> None:
    ticket = (piece * (1_000_000 // len(piece)))[:1_000_000]
    assert turn([UserText(ticket)]).stop in {Stop.END, Stop.CALLS}
    _, answer = proposed("C-1 " + ticket, ROW)
    assert all(arguments.get("to", ROW["email"]) == ROW["email"] for arguments in writes(answer).values())


def test_conversation_without_a_ticket_goes_to_a_person() -> None:
    assert turn([]).stop is Stop.END
    assert turn([AssistantTurn("Hello")]).stop is Stop.END
