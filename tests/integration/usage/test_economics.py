"""Unit economics against a fixture that was computed by hand, to the cent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from agents.economics import economics_of
from agents.models import Rate, Run
from agents.operations import start_run, state_rate
from approvals.models import Request
from tests.factories import SETUP
from tests.house import events
from tools.models import Action, ActionAttempt, UsageRecord
from workspaces.errors import Forbidden, InvalidInput
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db
TODAY = datetime.now(UTC).date()
CENT = Decimal("0.01")


@pytest.fixture
def rated(house):
    """A task is worth 6.50, a call of the changing tool costs 0.25, an hour of review 36 dollars: a cent a second."""
    for kind, of, amount in (
        ("task_value", house.agent, "6.50"),
        ("call_price", house.tools["change"], "0.25"),
        ("review_hour", house.cast.workspace, "99"),
        ("review_hour", house.queue, "36"),
    ):
        state_rate(workspace=house.cast.workspace, kind=kind, of=of, amount=Decimal(amount), by=SETUP)
    return house


def ended(house, run, status="succeeded"):
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now())


def called(run, cost, outcome="answered"):
    UsageRecord.objects.create(
        workspace_id=run.workspace_id, step_id=uuid7(), run_id=run.id, agent_id=run.agent_id, attempt=1, provider="p",
        model="m", latency_ms=1, outcome=outcome, cost=Decimal(cost) if cost is not None else None,
    )  # fmt: skip


def changed(house, run, *, seconds, read_back=True):
    """A change that waited for a reviewer for so long, was executed, and read back."""
    action = house.clear(house.propose("change", run_id=run.id, arguments={"name": "ada", "value": run.title[:20]}))
    request = Request.objects.open().get(action=action)
    Request.objects.filter(pk=request.pk).update(opened_at=timezone.now() - timedelta(seconds=seconds))
    decision = house.answer(request)
    Request.objects.filter(pk=request.pk).update(opened_at=decision.at - timedelta(seconds=seconds))
    done = house.execute(Action.objects.get(pk=action.pk))
    assert done.status == "succeeded", done.explanation
    shown = done.after_image if read_back else {**done.after_image, "value": "something else"}
    ActionAttempt.objects.create(
        workspace_id=run.workspace_id, action=done, kind="verify", number=1, outcome="done", evidence={"image": shown}
    )
    return done


def begun(house, title):
    return start_run(agent_id=house.agent.id, text=title, by=house.cast.owner)


def computed(house):
    return economics_of([house.agent], TODAY, TODAY + timedelta(days=1))[house.agent.id]


def test_cost_and_margin_equal_the_hand_computed_fixture_to_the_cent(rated):
    """Four runs ended.

    ======= ========================================= ======= ======== ====== ====================================
    run     outcome                                   models  retries  tools  reviewers (a cent a second, bound 15 min)
    ======= ========================================= ======= ======== ====== ====================================
    one     succeeded, read back: verified            0.40    0.10     0.25   90 s: 0.90
    two     succeeded, read back as something else    0.30             0.25   30 s: 0.30
    three   succeeded, only read: verified            0.20
    four    failed, its change tried twice            0.05    0.25     0.25   a night, so 900 s: 9.00
    ======= ========================================= ======= ======== ====== ====================================
    all     4 ended, 3 succeeded, 2 verified          0.95    0.35     0.75   10.20

    Cost 12.25, a verified success 6.125, margin 2 * 6.50 - 12.25 = 0.75.
    """
    one, two, three, four = (begun(rated, name) for name in ("one", "two", "three", "four"))
    begun(rated, "five goes on")
    for run, cost, outcome in (
        (one, "0.40", "answered"), (one, "0.10", "lost"), (two, "0.30", "answered"), (three, "0.20", "answered"),
        (four, "0.05", "answered"),
    ):  # fmt: skip
        called(run, cost, outcome)
    changed(rated, one, seconds=90)
    changed(rated, two, seconds=30, read_back=False)
    again = changed(rated, four, seconds=16 * 3600)
    tries = {"workspace_id": four.workspace_id, "action": again, "kind": "execute"}
    ActionAttempt.objects.create(number=2, outcome="done", **tries)
    ActionAttempt.objects.create(number=3, outcome="not_sent", **tries)
    for run, status in ((one, "succeeded"), (two, "succeeded"), (three, "succeeded"), (four, "failed")):
        ended(rated, run, status)
    found = computed(rated)
    assert (found.runs, found.succeeded, found.verified, found.decisions) == (4, 3, 2, 3)
    parts = [found.model, found.retries, found.tools, found.reviewers, found.cost, found.margin]
    assert [part.quantize(CENT) for part in parts] == [
        Decimal(text) for text in ("0.95", "0.35", "0.75", "10.20", "12.25", "0.75")
    ]
    assert found.cost_per_success == Decimal("6.125")
    assert found.is_complete


def test_a_success_that_was_rolled_back_is_not_verified(rated):
    run = begun(rated, "undone")
    done = changed(rated, run, seconds=1)
    ended(rated, run)
    assert computed(rated).verified == 1
    undo = rated.propose("change", run_id=run.id, compensates=done)
    assert computed(rated).verified == 1
    Action.objects.filter(pk=undo.pk).update(status="succeeded")
    assert (computed(rated).succeeded, computed(rated).verified) == (1, 0)


@pytest.mark.parametrize(("status", "verified"), [("succeeded", 1), ("in_doubt", 0), ("failed", 1)])
def test_what_cannot_be_read_back_counts_by_its_receipt_and_doubt_is_no_proof(rated, status, verified):
    run = begun(rated, "mail")
    sent = rated.propose("send", run_id=run.id)
    Action.objects.filter(pk=sent.pk).update(status=status)
    ended(rated, run)
    assert computed(rated).verified == verified


def test_calls_are_counted_where_a_tool_has_a_price(rated, django_assert_num_queries):
    with django_assert_num_queries(5):
        computed(rated)


def test_what_nobody_knows_is_counted_and_never_zero(house, client_of, django_assert_num_queries):
    run = begun(house, "unknown")
    called(run, None)
    changed(house, run, seconds=60)
    ended(house, run)
    with django_assert_num_queries(4):
        found = computed(house)
    assert (found.unpriced_calls, found.unrated_decisions, found.is_complete) == (1, 1, False)
    assert (found.value, found.margin, found.cost) == (None, None, 0)
    (row,) = client_of("owner").get("/api/v1/economics/", {"agent": "agent"}).json()["results"]
    assert (row["agent"]["name"], row["verified"], row["cost"], row["margin"]) == ("agent", 1, "0.000000", None)
    assert client_of("member").get("/api/v1/economics/").json()["results"] == []
    assert 'hx-get="/agents/' in client_of("owner").get("/agents/agent/").content.decode()
    text = client_of("owner").get("/agents/agent/worth/").content.decode()
    assert "the price of 1 model call and the rate for 1 decision" in text
    assert "no value of a task is stated" in text
    assert text.count(">unknown<") == 2  # what the model and the reviewer cost
    assert "What is known" in text


def test_rates_are_stated_in_dollars_by_owners_and_the_last_one_holds(house, client_of):
    owner, where = client_of("owner"), house.cast.workspace
    said = {"kind": "task_value", "of": "agent", "amount": "6.50"}
    assert owner.post("/api/v1/rates/", {**said, "currency": "usd"}, format="json").status_code == 201
    assert owner.post("/api/v1/rates/", {**said, "amount": "7"}, format="json").json()["amount"] == "7.000000"
    assert [(row["name"], row["amount"]) for row in owner.get("/api/v1/rates/").json()["results"]] == [
        ("Agent", "7.000000")
    ]
    assert events(Rate.objects.get()) == ["rate.stated", "rate.stated"]
    for wrong, field in (({"currency": "EUR"}, "currency"), ({"of": "nobody"}, "of"), ({"kind": "call_price"}, "of")):
        answer = owner.post("/api/v1/rates/", {**said, **wrong}, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    with pytest.raises(InvalidInput, match="Say whose it is"):
        state_rate(workspace=where, kind="task_value", of=None, amount=Decimal(1), by=SETUP)
    with pytest.raises(Forbidden):
        state_rate(workspace=where, kind="review_hour", of=None, amount=Decimal(1), by=house.cast.reviewer)
