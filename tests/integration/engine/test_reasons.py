"""Every live run has a reason with a name, and the liveness check finds exactly those whose reasons say nothing."""

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from agents.engine.workers import heartbeat
from agents.liveness import stuck_runs, suspected
from agents.models import Run, Step, Worker
from agents.reasons import MOVING, reasons_of
from approvals.models import Request
from approvals.operations import ask_for_budget
from tests.factories import SETUP
from tests.integration.engine.conftest import route
from tools.models import Tool
from workspaces.models import Pause

pytestmark = pytest.mark.django_db
LONG, SHORT = timedelta(hours=1), timedelta(seconds=20)
STATES = 150


def ago(by: timedelta) -> datetime:
    return datetime.now(UTC) - by


@dataclass(frozen=True)
class State:
    """One state of a run with one step, as generated."""

    status: str
    wake: timedelta | None
    heard: timedelta
    works: bool
    cancelled: timedelta | None
    paused: str
    request: str


def generated() -> list[State]:
    chance = random.Random(4)
    return [
        State(
            status=chance.choice(["ready", "running", "waiting", "succeeded"]),
            wake=chance.choice([None, LONG, SHORT, -LONG]),
            heard=chance.choice([timedelta(0), SHORT, LONG]),
            works=chance.random() < 0.7,
            cancelled=chance.choice([None, None, None, LONG, SHORT]),
            paused=chance.choice(["", "", "", "run", "agent"]),
            request=chance.choice(["", "", "open", "overdue", "closed", "closed lately"]),
        )
        for _ in range(STATES)
    ]


def put(house, state: State) -> Run:
    """Bring the house's run into the state."""
    run, step = house.run, Step.objects.filter(run=house.run)
    Worker.objects.update(stopped_at=ago(LONG))
    if state.works:
        Worker.objects.create(name="idle")
    owner = Worker.objects.create(name="owner")
    Worker.objects.filter(pk=owner.pk).update(heartbeat_at=ago(state.heard), stopped_at=None)
    owned = {"incarnation": owner.pk} if state.status == "running" else {}
    over = {"finished_at": ago(SHORT)} if state.status == "succeeded" else {}
    wake = None if state.wake is None or state.status != "ready" else ago(state.wake)
    step.update(status=state.status, created_at=ago(LONG), started_at=ago(LONG), wake_at=wake, **owned, **over)
    if state.request:
        ask(house, state.request)
    if state.paused:
        scope = run.id if state.paused == "run" else house.agent.id
        Pause.objects.create(
            workspace=house.cast.workspace, scope_kind=state.paused, scope_id=scope, created_by=house.cast.owner
        )
    cancelled = None if state.cancelled is None else ago(state.cancelled)
    Run.objects.filter(pk=run.pk).update(created_at=ago(LONG), status="running", cancel_requested_at=cancelled)
    return Run.objects.get(pk=run.pk)


def ask(house, fate: str) -> None:
    run = house.run
    named = {"workspace_id": run.workspace_id, "run_id": run.id, "agent_id": run.agent_id}
    ask_for_budget(**named, title="Extend", evidence={"sentence": "It stands."}, causes=run.causes, by=SETUP)
    ends = {"open": {}, "overdue": {"expires_at": ago(LONG)}}.get(fate)
    closed = {"status": "expired", "closed_at": ago(LONG if fate == "closed" else SHORT)}
    Request.objects.filter(run_id=run.id).update(**(closed if ends is None else ends))


def reasons(run: Run):
    over = Pause.objects.over(run.scopes, repair=run.is_repair).select_related("created_by")
    return reasons_of(run, list(over))


def test_step_that_takes_long_says_who_works_on_it_and_when_that_was_last_heard_of(house):
    action = house.propose("look")
    Tool.objects.filter(pk=action.tool_id).update(deadline_seconds=900)
    owner = Worker.objects.create(name="here:7")
    step = Step.objects.filter(run=house.run)
    step.update(status="running", kind="action", action=action, incarnation=owner.pk, started_at=ago(LONG))
    Worker.objects.filter(pk=owner.pk).update(heartbeat_at=ago(timedelta(seconds=3)))
    Run.objects.filter(pk=house.run.pk).update(status="running")
    (found,) = reasons(Run.objects.get(pk=house.run.pk))
    assert (found.kind, found.is_stale) == ("running", False)
    assert re.search(r"is being carried out by here:7, which was last heard of [34] s ago\.$", found.sentence)
    assert found.hint == "One call of look may take 900 seconds."


def test_every_generated_state_has_a_reason_and_the_check_finds_what_has_none(house):
    told = {True: 0, False: 0}
    for state in generated():
        with transaction.atomic():
            run = put(house, state)
            found = reasons(run)
            something = state.status != "succeeded" or state.cancelled or state.paused or state.request in OPEN
            assert bool(found) == bool(something), (state, found)
            assert all(one.sentence for one in found), (state, found)
            stuck = all(one.is_stale for one in found)
            assert ([one.run.id for one in stuck_runs()] == [run.id]) == stuck, (state, found)
            assert suspected().exists() or not stuck, state
            told[stuck] += 1
            transaction.set_rollback(True)
    assert min(told.values()) > 10, told


OPEN = {"open", "overdue"}


def test_reasons_through_a_run_of_the_desk(desk):
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    assert [one.kind for one in reasons(run)] == ["people", "people"]
    held = {"workspace": desk.cast.workspace, "scope_kind": "agent", "scope_id": run.agent_id}
    Pause.objects.create(**held, reason="Look.", created_by=desk.cast.owner)
    assert reasons(run)[0].kind == "pause"
    assert "Look." in reasons(run)[0].sentence
    Pause.objects.update(released_at=datetime.now(UTC), released_by=desk.cast.owner)
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    run = desk.rest(run)
    assert (run.status, reasons(run)) == ("succeeded", [])
    assert not stuck_runs()


def test_step_that_waits_for_an_endpoint_or_its_turn_is_named(desk, talker):
    talker.fails("429 Too Many", "rate_limit_error", retry_after="600").says("Never heard.")
    desk.start("Hello")
    waits = desk.start("Hello again")
    (endpoint,) = reasons(waits)
    assert (endpoint.kind, endpoint.until is not None) == ("endpoint", True)
    assert "gpt-5.1" in endpoint.sentence
    route(desk, {"provider": "demo", "model": "d"})
    Step.objects.filter(run=waits).update(wake_at=None, output=None)
    heartbeat()
    assert [one.kind for one in reasons(waits)] == ["queued"]
    assert {"queued"} <= MOVING
    Worker.objects.update(stopped_at=datetime.now(UTC))
    assert [one.kind for one in reasons(waits)] == ["no_worker"]


def test_check_names_a_run_that_nothing_moves(house):
    heartbeat()
    Run.objects.filter(pk=house.run.pk).update(created_at=datetime.now(UTC))  # however long ago its rows were made
    said = StringIO()
    call_command("stuck_runs", stdout=said)
    assert "0 runs are stuck" in said.getvalue()
    Step.objects.filter(run=house.run).update(status="skipped", finished_at=datetime.now(UTC))
    Run.objects.filter(pk=house.run.pk).update(created_at=ago(LONG))
    with pytest.raises(SystemExit):
        call_command("stuck_runs", stdout=said)
    assert str(house.run.id) in said.getvalue()
    assert "Nothing says what it waits for" in said.getvalue()
