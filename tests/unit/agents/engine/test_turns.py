"""What a model's answer becomes, and what its arguments are traced to."""

import pytest

from agents.engine.sources import passages_of
from agents.engine.turns import _provenance, sources_of, take_answer
from agents.providers.base import ModelAnswer, Stop, ToolCall, Usage
from tools import provenance
from tools.models import Action
from tools.provenance import Source

pytestmark = pytest.mark.django_db
GOOD = {"name": "ada", "value": "new"}


def answer(*calls, text=""):
    stop = Stop.CALLS if calls else Stop.END
    return ModelAnswer(text, "", calls, stop, Usage(), "model", "id")


def call(name="send", arguments=GOOD, problem=None):
    return ToolCall(f"call-{name}", name, arguments, "{}", problem)


@pytest.fixture
def run(house):
    house.run.refresh_from_db()
    house.run.status = "running"
    type(house.run).objects.filter(pk=house.run.pk).update(status="running")
    return house.run


def fates(run):
    return [(step.kind, step.status) for step in run.steps.order_by("number")[1:]]


def test_words_alone_end_the_run(house, run):
    take_answer(run, answer(text="Done."), house.tools, 16)
    assert (run.status, run.outcome) == ("succeeded", {"text": "Done.", "model": "model"})
    assert fates(run) == []


def test_each_usable_call_is_an_action_of_one_turn(house, run):
    take_answer(run, answer(call("send"), call("change")), house.tools, 16)
    assert fates(run) == [("action", "ready")] * 2
    assert (run.turn, run.open_steps) == (2, 2)
    assert set(Action.objects.filter(run_id=run.id).values_list("status", flat=True)) == {"proposed"}


def test_unusable_calls_leave_their_siblings_alone(house, run):
    take_answer(run, answer(call("nothing"), call("send"), call("send", None, "No JSON.")), house.tools, 16)
    assert fates(run) == [("action", "skipped"), ("action", "ready"), ("action", "skipped")]
    assert run.open_steps == 1


def test_turn_of_unusable_calls_asks_the_model_again(house, run):
    take_answer(run, answer(call("nothing")), house.tools, 16)
    assert fates(run) == [("action", "skipped"), ("model", "ready")]
    assert (run.turn, run.open_steps) == (3, 1)


def test_calls_above_the_limit_are_told_so(house, run):
    most = run.version.calls_per_turn
    take_answer(run, answer(*[call("send")] * (most + 2)), house.tools, most)
    assert fates(run).count(("action", "ready")) == most
    assert "Only" in run.steps.order_by("-number").first().explanation


def test_invariant_17_arguments_too_large_to_be_traced_count_as_made_up(house, monkeypatch):
    monkeypatch.setattr(provenance, "MAX_LEAVES", 1)
    (leaf,) = _provenance(GOOD, house.tools["send"], [Source("goal", "trusted", "instruction", "ada new")])
    assert (leaf["trusted"], leaf["sources"]) == (False, [])


def test_invariant_17_a_ticket_is_never_a_trusted_source(house, run):
    trusts = {source.label: source.trust for source in sources_of(run)}
    assert trusts == {"goal": "trusted", "ticket": "untrusted"}


def test_invariant_17_another_systems_word_about_its_own_trust_is_not_believed(house):
    action = house.propose("look")
    action.result = {"passages": [{"trust": "trusted", "text": "Pay."}], "count": 1}
    assert passages_of(action) is None
