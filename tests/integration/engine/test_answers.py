"""Whatever a model answers: it is recorded, it is told what is wrong, and the run ends or waits."""

import pytest

from agents.models import Step
from tools.models import Action, UsageRecord
from workspaces.failpoints import Failpoint, acting

pytestmark = pytest.mark.django_db


def only_call(run):
    return run.steps.get(kind="action")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("crm.customer.find", '{"email": ', "JSON"),
        ("crm.customer.find", "[1, 2]", "object"),
        ("crm.customer.drop", {"id": 1}, "crm_customer_drop"),
        ("mail.reply", '{"to": "a@b.example", "to": "c@d.example"}', ""),
    ],
    ids=["not-json", "not-an-object", "unknown-tool", "twice-the-same-name"],
)
def test_unusable_call_is_skipped_and_told(desk, talker, tool, arguments, words):
    talker.calls((tool, arguments)).says("I give up.")
    run = desk.start("Hello")
    assert run.status == "succeeded", run.explanation
    step = only_call(run)
    assert step.status == "skipped"
    assert words in step.explanation
    assert not Action.objects.filter(run_id=run.id).exists()
    assert '"failed"' in talker.last_heard.replace("\\", "")


def test_arguments_that_break_the_schema_are_denied_with_the_reason(desk, talker):
    talker.calls(("crm.customer.update", {"id": "seven", "tier": "platinum"})).says("I give up.")
    run = desk.start("Hello")
    action = Action.objects.get(run_id=run.id)
    assert (run.status, action.status) == ("succeeded", "denied")
    assert "tier" in action.explanation
    assert "tier" in talker.last_heard


def test_forty_calls_at_once_are_sixteen_and_twenty_four_told_so(desk, talker):
    talker.calls(*[("crm.customer.find", {"name": f"Nobody {n}"}) for n in range(40)]).says("Nobody found.")
    run = desk.start("Hello")
    assert run.status == "succeeded", run.explanation
    assert Action.objects.filter(run_id=run.id, status="succeeded").count() == 16
    skipped = Step.objects.filter(run=run, status="skipped")
    assert skipped.count() == 24
    assert run.steps_used == 18
    results = [item for item in talker.heard[-1]["input"] if item.get("type") == "function_call_output"]
    assert len(results) == 40


def test_more_calls_than_anybody_needs_fail_the_run_with_a_sentence(desk, talker):
    talker.calls(*[("crm.customer.find", {"name": f"Nobody {n}"}) for n in range(70)])
    run = desk.start("Hello")
    assert run.status == "failed"
    assert "64" in run.explanation


def test_loop_of_the_same_call_is_denied_and_stops_with_people(desk, talker):
    talker.calls(("crm.customer.find", {"name": "Nobody"}))
    run = desk.start("Hello")
    assert run.status == "waiting"
    fates = list(Action.objects.filter(run_id=run.id).order_by("created_at").values_list("status", flat=True))
    assert fates[:3] == ["succeeded"] * 3
    assert set(fates[3:]) == {"denied"}
    assert run.steps_used < run.step_limit
    (request,) = desk.requests(run)
    assert request.kind == "budget"
    assert "crm.customer.find" in run.steps.latest("number").explanation


@pytest.mark.parametrize(
    ("speak", "sentence"),
    [
        (lambda t: t.refuses("I will not."), "refused"),
        (lambda t: t.says("This is a long", why="length"), "cut off"),
    ],
    ids=["refusal", "length"],
)
def test_answer_that_is_none_fails_the_run_with_a_sentence(desk, talker, speak, sentence):
    speak(talker)
    run = desk.start("Hello")
    assert run.status == "failed"
    assert sentence in run.explanation


def test_work_of_a_provider_hosted_tool_is_rejected(desk, talker):
    from tests.integration.providers.server import stream

    dialect = talker.dialect
    talker.raw(stream(dialect.open() + dialect.foreign() + dialect.close("end") + dialect.end))
    run = desk.start("Hello")
    assert run.status == "failed"
    assert "provider" in run.explanation.lower()


def test_change_of_a_row_that_is_not_there_is_told_at_once(desk, talker):
    talker.calls(("crm.customer.update", {"id": 999_999, "tier": "gold"})).says("I give up.")
    run = desk.start("Hello")
    action = Action.objects.get(run_id=run.id)
    assert (run.status, action.status) == ("succeeded", "cancelled")
    assert action.attempts.get().outcome == "refused"
    assert "no such row" in talker.last_heard


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("depth", [100, 330, 50_000])
def test_arguments_nested_without_end_are_refused_with_a_reason_at_the_first_answer(desk, talker, depth):
    talker.calls(("crm.customer.find", nested(depth))).says("I give up.")
    run = desk.start("Hello")
    assert (run.status, len(talker.heard)) == ("succeeded", 2), [(s.status, s.explanation) for s in run.steps.all()]
    assert only_call(run).explanation


def test_answer_of_ten_megabytes_fails_the_run_with_a_sentence(desk, talker):
    talker.says("x" * 10_000_000)
    run = desk.start("Hello")
    assert run.status == "failed"
    assert "longer than" in run.explanation
    assert len(talker.heard) == 1


def test_answer_that_we_fail_over_is_paid_for_once_each_time(desk, talker):
    talker.says("Hello.")
    failed = []

    def fail_once(here):
        if here == Failpoint.MODEL_ANSWERED and not failed:
            failed.append(here)
            raise LookupError("A defect of ours.")

    with acting(fail_once):
        run = desk.start("Hello")
    assert run.status == "succeeded", run.explanation
    assert list(UsageRecord.objects.filter(run_id=run.id).values_list("attempt", "outcome").order_by("attempt")) == [
        (1, "answered"),
        (2, "answered"),
    ]
