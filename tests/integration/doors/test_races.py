"""Two workers, many reservations, a connection let go: with real transactions."""

import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction

from tests.factories import SETUP
from tests.house import at_once, events
from tests.timing import blocks_somebody
from tools.errors import BudgetExhausted
from tools.models import Action, ActionAttempt, Budget, BudgetScope, Reservation
from tools.operations import (
    BudgetOf,
    Need,
    Used,
    create_budget,
    execute,
    look_before,
    lose,
    reserve,
    settle_reservation,
    settling,
)
from tools.ports import gate
from workspaces.errors import StaleState
from workspaces.ids import uuid7
from workspaces.transitions import transition

pytestmark = pytest.mark.django_db(transaction=True)


def test_invariant_02_of_two_workers_at_once_one_executes(house):
    action = house.approved()
    answers = at_once(*[lambda: execute(action_id=action.id, incarnation=uuid7())] * 4)
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [StaleState] * 3, answers
    assert house.world.done == [action.idempotency_key]
    assert ActionAttempt.objects.filter(action=action, kind="execute").count() == 1
    assert events(action).count("action.executing") == 1


def test_invariant_02_of_two_workers_at_once_one_mail_is_sent(desk):
    customer = desk.crm.anybody("standard")
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    request = desk.request_for(run, "mail.reply")
    desk.answer(request)
    at_once(*[lambda: execute(action_id=request.action_id, incarnation=uuid7())] * 2)
    assert Action.objects.get(pk=request.action_id).status == "succeeded"
    assert [message["To"] for message in desk.mailbox.messages] == [customer["email"]]


def test_two_gates_at_once_give_one_verdict_and_one_request(house):
    action = house.propose()
    answers = at_once(*[lambda: gate().clear(action.id).status] * 3)
    assert answers == ["in_review"] * 3
    assert (action.verdicts.count(), action.requests.count()) == (1, 1)


def test_invariant_09_no_connection_is_held_across_a_call(house):
    held = []
    house.world.meanwhile = lambda: held.append(connection.connection is not None)
    action = house.approved("change")
    look_before(action_id=action.id, by=SETUP)
    house.execute(action)
    assert house.world.touched == ["before", "before", "execute"]
    assert held == [False] * 3


def test_invariant_09_a_door_refuses_to_open_inside_a_transaction(house):
    action = house.approved()
    with pytest.raises(RuntimeError, match="Commit before"), transaction.atomic():
        house.execute(action)
    assert house.world.touched == []
    assert Action.objects.get(pk=action.pk).status == "approved"


def test_invariant_16_two_hundred_tries_at_once_on_crossing_caps_overspend_nothing_and_lock_nobody_out(house):
    where = house.cast.workspace
    wide, narrow, other = caps(where, "0.30", "0.20", "0.20")

    def work(scopes):
        """Try 25 times; what was held is settled at once, by the same connection, while others still reserve."""
        refused = 0
        for _ in range(25):
            step = uuid7()
            try:
                reserve(workspace_id=where.id, scopes=scopes, need=CENT, step_id=step, attempt=1)
            except BudgetExhausted:
                refused += 1
            else:
                settle_reservation(step_id=step, attempt=1, used=Used(money=CENT.money))
        return refused

    pairs = [[wide, narrow], [other, wide], [narrow, wide], [wide, other]]
    answers = at_once(*[lambda pair=pair: work(pair) for pair in pairs * 2])
    assert sum(answers) == 170, answers
    found = {budget.scope_id: budget for budget in Budget.objects.all()}
    assert (found[wide].spent, found[wide].reserved) == (Decimal("0.30"), Decimal(0))
    assert found[narrow].spent + found[other].spent == Decimal("0.30")
    assert Reservation.objects.filter(settled=CENT.money).count() == 60


def test_invariant_16_reservations_held_at_once_never_exceed_the_cap(house):
    where = house.cast.workspace
    (scope,) = caps(where, "1")
    need = Need(money=Decimal("0.15"))
    hold = [lambda: reserve(workspace_id=where.id, scopes=[scope], need=need, step_id=uuid7(), attempt=1)] * 10
    answers = at_once(*hold)
    assert sum(isinstance(answer, BudgetExhausted) for answer in answers) == 4, answers
    held = list(Reservation.objects.values_list("step_id", flat=True))
    used = Used(money=Decimal("0.1"))
    settle = [lambda step=step: settle_reservation(step_id=step, attempt=1, used=used) for step in held]
    assert at_once(*settle, *settle) == [None] * 12
    budget = Budget.objects.get()
    assert (budget.reserved, budget.spent) == (Decimal(0), Decimal("0.60"))


CENT = Need(money=Decimal("0.01"))


def caps(workspace, *limits):
    """Cap fresh scopes in US dollars; return their ids."""
    scopes = [BudgetOf(kind=BudgetScope.AGENT, id=uuid7(), name="an agent") for _ in limits]
    for scope, limit in zip(scopes, limits, strict=True):
        create_budget(workspace=workspace, of=scope, unit="usd", limit=Decimal(limit), period="total", by=SETUP)
    return [scope.id for scope in scopes]


def test_invariant_06_an_outcome_and_a_takeover_at_the_same_moment_are_both_recorded(house, monkeypatch):
    action, taken = house.approved("change"), threading.Event()

    def transition_and_hold(*args, **changes):
        transition(*args, **changes)
        taken.set()
        blocks_somebody()

    def take_over():
        lose(action_id=action.id, attempt=1, by=SETUP)
        connection.close()

    monkeypatch.setattr(settling, "transition", transition_and_hold)
    other = threading.Thread(target=take_over)
    house.world.meanwhile = lambda: (other.start(), taken.wait(120))
    done = house.execute(action)
    other.join(120)
    assert (done.status, action.attempts.get(kind="execute").outcome) == ("succeeded", "done")
    assert events(action)[-2:] == ["action.in_doubt", "action.succeeded"]
