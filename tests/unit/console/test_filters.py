"""Money, times, ids and states in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import cast

import pytest

from agents import states as agents
from approvals import states as approvals
from memory import states as memory
from tools import states as tools
from workspaces.console.words import LOOKS, look, sender, way_in
from workspaces.templatetags import console

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

SHOWN = {
    "action": tools.ActionStatus,
    "attempt": tools.AttemptOutcome,
    "effect": tools.Effect,
    "request": approvals.RequestStatus,
    "verdict": approvals.Outcome,
    "decision": approvals.DecisionKind,
    "settlement": approvals.Settlement,
    "run": agents.RunStatus,
    "step": agents.StepStatus,
    "step_kind": agents.StepKind,
    "document": memory.DocumentStatus,
    "reembedding": memory.ReembeddingStatus,
    "fact": memory.FactStatus,
}


@pytest.mark.parametrize("kind", SHOWN)
def test_every_state_has_a_word(kind):
    states = {str(state) for state in cast(type[StrEnum], SHOWN[kind])}
    assert states <= LOOKS[kind].keys()
    assert LOOKS[kind].keys() - states <= {"egress"}


def test_words_of_states_are_told_apart_by_more_than_colour():
    for states in LOOKS.values():
        assert len({known.word for known in states.values()}) == len(states)


def test_unknown_state_is_shown_by_its_name():
    assert look("run", "not_known_yet") == ("Not known yet", "quiet", "dot")


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal("1240.5"), "EUR", "1,240.50 EUR"),
        (Decimal("0"), "USD", "0.00 USD"),
        (Decimal("0.5"), "USD", "0.50 USD"),
        (Decimal("0.00612"), "USD", "0.0061 USD"),
        (Decimal("-0.0184"), "USD", "-0.018 USD"),
        (Decimal("0.0000000004"), "USD", "under 0.000001 USD"),
        (Decimal("1240"), "JPY", "1,240 JPY"),
        (Decimal("1.5"), "KWD", "1.500 KWD"),
        (Decimal("99999999999999999999.99"), "EUR", "99,999,999,999,999,999,999.99 EUR"),
        (None, "EUR", "unknown"),
    ],
)
def test_money(amount, currency, words):
    assert console.money(amount, currency) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-2, "now"), (-59, "59 s ago"), (-60, "1 min ago"), (-7_199, "1 h ago"), (-172_800, "2 d ago"), (300, "in 5 min")],
)
def test_relative(seconds, words):
    assert console.relative(NOW + timedelta(seconds=seconds), NOW) == words


def test_relative_without_a_time():
    assert console.relative(None) == "never"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.034, "34 ms"),
        (2.44, "2.4 s"),
        (59.97, "1 min"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (7_800, "2 h 10 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_duration(seconds, words):
    assert console.duration(timedelta(seconds=seconds)) == words


def test_duration_unknown_is_nothing():
    assert console.duration(None) == ""


def test_short_id():
    assert console.short_id("019ab6c2-41f7-7c3e-9d10-8c55e2a4b7f1") == "e2a4b7f1"
    assert console.short_id("9f2c4be07a1d5588c3e0") == "9f2c4be07a"
    assert console.short_id("short") == "short"


def test_json_head_only_where_there_is_more():
    assert not console.json_head({"a": 1})
    assert console.json_head(["x" * 30_000]).endswith("…</bdi>")
    assert console.json_size({"a": 1}) == 12


def test_is_long():
    assert console.is_long("x" * 601)
    assert not console.is_long("x" * 600)


def test_icon_is_hidden_from_screen_readers():
    assert 'aria-hidden="true"' in console.icon("check")
    assert "icons.svg#check" in console.icon("check")


@pytest.mark.parametrize(("source", "words"), [("api", "API"), ("console", "console"), ("", "")])
def test_way_in_is_said_in_words(source, words):
    assert way_in(source) == words


@pytest.mark.parametrize(
    ("source", "person", "words"),
    [
        ("api", "Owner", "the API, by Owner"),
        ("console", "", "the console"),
        ("", "Owner", "Owner"),
        ("", "", "unknown"),
    ],
)
def test_sender_is_as_much_as_is_known(source, person, words):
    assert sender(source, person) == words
