"""Pausing, cancelling, limits and budgets."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F, Sum

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import Run, Step
from agents.operations import cancel_run, publish_version, set_up_budget, start_run
from approvals.errors import MayNotDecide
from approvals.models import Request, ReviewQueue
from tests.factories import SETUP
from tests.house import events
from tests.integration.engine.conftest import route
from tests.integration.providers.dialects import Chat, Messages
from tools.models import Action, Budget, UsageRecord
from tools.operations import BudgetOf, Need, Used, create_budget, reserve, settle_reservation
from workspaces.errors import InvalidInput
from workspaces.ids import uuid7
from workspaces.models import ScopeKind
from workspaces.operations.pauses import pause, release

pytestmark = pytest.mark.django_db
TICKET = "Please upgrade {} to tier gold."


@pytest.fixture
def customer(desk):
    return desk.crm.anybody("standard")


def approve_all(desk, run):
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    return desk.rest(run)


def stop(desk, kind, run=None):
    scope = {"workspace": desk.cast.workspace, "agent": desk.desk.agent, "run": run}[kind]
    return pause(
        workspace=desk.cast.workspace,
        scope_kind=ScopeKind(kind),
        scope_id=scope.id,
        reason="Stop.",
        by=desk.cast.owner,
        right="control_agent",
    )


@pytest.mark.parametrize("kind", ["workspace", "agent", "run"])
def test_invariant_10_nothing_starts_in_a_paused_scope_and_release_goes_on(desk, customer, kind):
    run = desk.start(TICKET.format(customer["email"]))
    stopped = stop(desk, kind, run)
    run = approve_all(desk, run)
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    assert desk.mailbox.messages == []
    assert not Step.objects.filter(run=run, status="running").exists()
    told: list = []
    sweep(told.append)
    assert told == []
    release(pause=stopped, by=desk.cast.owner, right="control_agent")
    sweep(told.append)
    assert told == [run.id]
    assert desk.rest(run).status == "succeeded"
    assert len(desk.mailbox.messages) == 1


def test_answer_that_came_before_the_pause_is_kept_and_nothing_follows(desk, talker, customer):
    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    talker.calls(("crm.customer.find", {"email": customer["email"]})).says("Done.")
    drive(run.id, quantum=1)
    stopped = stop(desk, "agent")
    assert drive(run.id) is False
    assert Action.objects.get(run_id=run.id).status == "proposed"
    assert UsageRecord.objects.get(run_id=run.id).outcome == "answered"
    release(pause=stopped, by=desk.cast.owner, right="control_agent")
    assert desk.rest(run).status == "succeeded"


def test_cancel_of_a_queued_run(desk):
    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    assert cancel_run(run_id=run.id, by=desk.cast.reviewer).status == "cancelled"
    assert drive(run.id) is False
    assert run.steps.get().status == "cancelled"


def test_cancel_while_people_are_asked(desk, customer):
    run = desk.start(TICKET.format(customer["email"]))
    run = cancel_run(run_id=run.id, by=desk.cast.reviewer)
    assert run.status == "cancelled"
    assert desk.requests(run) == []
    assert set(Action.objects.filter(run_id=run.id).exclude(effect="read").values_list("status", flat=True)) == {
        "cancelled"
    }


def test_cancel_after_approval_comes_before_the_effect(desk, customer):
    run = desk.start(TICKET.format(customer["email"]))
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    cancel_run(run_id=run.id, by=desk.cast.reviewer)
    run = desk.rest(run)
    assert run.status == "cancelled"
    assert desk.mailbox.messages == []
    assert desk.crm.customer(customer["id"])["tier"] == "standard"


def test_run_at_its_step_limit_parks_and_goes_on_when_extended(desk, customer):
    limited(desk, step_limit=2)
    run = desk.start(TICKET.format(customer["email"]))
    (request,) = desk.requests(run)
    assert (run.status, request.kind) == ("waiting", "budget")
    assert "step limit of 2" in request.evidence["sentence"]
    desk.answer(request, steps=20, by=desk.cast.finance)
    run = desk.rest(run)
    run.refresh_from_db()
    assert run.step_limit == 20
    assert len(desk.requests(run)) == 2
    assert approve_all(desk, run).status == "succeeded"


def test_run_at_its_time_limit_parks_before_the_next_model_call_and_goes_on_when_extended(desk, talker, customer):
    limited(desk, time_limit_seconds=600)
    talker.calls(("crm.customer.find", {"email": customer["email"]})).says("Done.")
    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    drive(run.id, quantum=2)
    earlier = {name: F(name) - timedelta(seconds=601) for name in ("started_at", "time_up_at")}
    Run.objects.filter(pk=run.pk).update(**earlier)
    run = desk.rest(run)
    (request,) = desk.requests(run)
    assert (run.status, len(talker.heard)) == ("waiting", 1)
    desk.answer(request, seconds=1200, by=desk.cast.finance)
    run = desk.rest(run)
    assert (run.status, len(talker.heard), run.time_limit_seconds) == ("succeeded", 2, 1200)
    assert 590 < (run.time_up_at - run.finished_at).total_seconds() < 600  # counted anew from what it had taken


def test_limit_that_is_not_extended_fails_the_run_with_the_reason(desk, customer):
    limited(desk, step_limit=2)
    run = desk.start(TICKET.format(customer["email"]))
    desk.answer(desk.requests(run)[0], "reject", reason="Do it by hand.", by=desk.cast.finance)
    run = desk.rest(run)
    assert run.status == "failed"
    assert "Do it by hand." in run.explanation


def test_limit_about_which_nobody_can_be_asked_fails_the_run_with_the_reason(desk, customer):
    limited(desk, step_limit=2)
    ReviewQueue.objects.update(is_default=False)
    run = desk.start(TICKET.format(customer["email"]))
    assert run.status == "failed"
    assert "has reached its step limit of 2. Nobody can be asked" in run.explanation
    assert "An owner can set one up" in run.explanation


def limited(desk, **limits):
    version = desk.desk.agent.current_version or desk.desk.agent.versions.get()
    publish_version(
        agent=desk.desk.agent,
        goal=version.goal,
        route=desk.desk.route,
        tools=list(version.tools.all()),
        subject=version.subject,
        by=SETUP,
        **limits,
    )


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_money_budget_is_held_before_the_call_and_can_be_extended(desk, talker):
    limited(desk, budget_usd=Decimal("0.000001"))
    talker.says("Done.")
    run = desk.start("Hello")
    (request,) = desk.requests(run)
    assert talker.heard == []
    assert (run.status, request.kind) == ("waiting", "budget")
    desk.answer(request, amount=Decimal("1"), by=desk.cast.finance)
    run = desk.rest(run)
    assert run.status == "succeeded", run.explanation
    budget = Budget.objects.get(scope_id=run.id)
    assert budget.reserved == 0
    assert budget.spent == UsageRecord.objects.get(run_id=run.id).cost
    assert budget.spent > 0


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_runs_at_an_agents_cap_park_and_all_go_on_when_an_owner_extends_it(desk, talker):
    limited(desk)
    where, agent = desk.cast.workspace, desk.desk.agent
    made = set_up_budget(
        workspace=where, scope_kind="agent", agent=agent, unit="usd", period="day", limit=Decimal("0.000001"), by=SETUP
    )
    talker.says("Done.").says("Done.")
    runs = [desk.start("Hello", by=desk.cast.reviewer), desk.start("Hello again", by=desk.cast.reviewer)]
    requests = [desk.requests(run)[0] for run in runs]
    assert (talker.heard, [run.status for run in runs]) == ([], ["waiting", "waiting"])
    assert "of the agent Support desk for today (UTC)" in requests[0].evidence["sentence"]
    assert requests[0].evidence["budget"]["who"].startswith("An owner of Here can extend it. It begins anew on ")
    with pytest.raises(MayNotDecide, match="Only an owner may extend the budget of the agent Support desk"):
        desk.answer(requests[0], amount=Decimal("1"), by=desk.cast.finance)
    with pytest.raises(InvalidInput, match=r"goes to 0\.000001 now"):
        desk.answer(requests[0], steps=20, by=desk.cast.owner)
    desk.answer(requests[0], amount=Decimal("1"), by=desk.cast.owner)
    sweep(lambda run_id: None)
    assert [desk.rest(run).status for run in runs] == ["succeeded", "succeeded"]
    assert Request.objects.get(pk=requests[1].pk).status == "superseded"
    made.refresh_from_db()
    spent = UsageRecord.objects.filter(agent_id=agent.id).aggregate(cost=Sum("cost"))["cost"]
    assert (made.limit, made.reserved, made.spent) == (Decimal(1), Decimal(0), spent)
    assert events(made) == ["budget.created", "budget.extended"]


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_a_customers_cap_parks_runs_about_them_and_about_nobody_else(desk, talker):
    one, other = desk.crm.anybody("standard"), desk.crm.anybody("gold")
    cap = {"scope_kind": "customer", "unit": "tokens", "limit": Decimal(1), "subject_ref": str(one["id"])}
    made = set_up_budget(workspace=desk.cast.workspace, **cap, by=SETUP)
    for person in (one, other):
        talker.calls(("crm.customer.find", {"email": person["email"]}))
        if person is other:
            talker.says("Done.")
    run = desk.start("Hello")
    (request,) = desk.requests(run)
    assert (run.status, request.kind, len(talker.heard)) == ("waiting", "budget", 1)  # who it is about is known by now
    assert f"in the budget of customer {one['id']}" in request.evidence["sentence"]
    assert desk.start("Hello, too").status == "succeeded"
    made.refresh_from_db()
    assert made.spent == made.reserved == 0


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_steps_that_are_only_held_are_waited_for_and_no_person_is_asked(desk, talker):
    limited(desk)
    workspace = BudgetOf.workspace(desk.cast.workspace)
    steps = create_budget(
        workspace=desk.cast.workspace, of=workspace, unit="steps", period="total", limit=Decimal(2), by=SETUP
    )
    elsewhere = uuid7()
    held = {"workspace_id": desk.cast.workspace.id, "scopes": [desk.cast.workspace.id]}
    reserve(**held, need=Need(steps=1), step_id=elsewhere, attempt=1)
    talker.says("Done.")
    run = start_run(agent_id=desk.desk.agent.id, text="Hello", by=desk.cast.owner)
    drive(run.id)
    step = run.steps.get()
    assert (step.status, desk.requests(run), talker.heard) == ("ready", [], [])
    assert step.explanation.endswith("It is tried again when the calls under way are over.")
    settle_reservation(step_id=elsewhere, attempt=1, used=Used())
    Step.objects.update(wake_at=None)
    assert desk.rest(run).status == "succeeded"
    steps.refresh_from_db()
    assert (steps.spent, steps.reserved) == (Decimal(1), Decimal(0))


@pytest.mark.parametrize("talker", [Messages], indirect=True)
def test_invariant_16_call_that_may_have_been_served_settles_at_its_worst_case(desk, talker):
    limited(desk, budget_usd=Decimal("1"))
    talker.breaks_off().says("Done.")
    run = desk.start("Hello")
    assert run.status == "succeeded"
    budget = Budget.objects.get(scope_id=run.id)
    assert budget.reserved == 0
    known = UsageRecord.objects.filter(run_id=run.id).aggregate(cost=Sum("cost"))["cost"]
    assert budget.spent > known


@pytest.mark.parametrize("talker", [Chat], indirect=True)
def test_unknown_price_with_a_money_budget_fails_the_run_with_what_to_do(desk, talker):
    limited(desk, budget_usd=Decimal("1"))
    talker.says("Never asked.")
    run = desk.start("Hello")
    assert run.status == "failed"
    assert "price" in run.explanation
    assert "publish a version" in run.explanation
    assert talker.heard == []


def test_route_without_its_connection_fails_with_a_sentence(desk, talker):
    route(desk, talker.endpoint(connection="not-there"))
    run = desk.start("Hello")
    assert run.status == "failed"
    assert "not-there" in run.explanation
