"""The one mutator: every from × to of every lifecycle, its event, and what a lost comparison leaves behind."""

from itertools import product

import pgtrigger
import pytest
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.models import Run, Step
from agents.states import RUN_TERMINAL, STEP_TERMINAL
from approvals.models import Request
from approvals.states import RequestStatus
from audit.ledger.models import Event
from tests.factories import SETUP
from tests.house import events, house, world
from tools.models import Action
from tools.states import ACTION_TERMINAL, OF_SIMULATED
from workspaces import transitions
from workspaces.database import ClockTimestamp
from workspaces.errors import StaleState
from workspaces.ids import uuid7
from workspaces.transitions import transition

__all__ = ["house", "world"]

pytestmark = pytest.mark.django_db

LIFECYCLES = {
    Action: ("proposed", ACTION_TERMINAL),
    Request: ("open", frozenset(RequestStatus.values) - {"open", "approved"}),
    Run: ("queued", RUN_TERMINAL - {"failed"}),
    Step: ("ready", STEP_TERMINAL - {"failed"}),
}


def values(model):
    return {value for value, _ in model._meta.get_field("status").choices}


def paired(model, status):
    """Return what the database demands beside a status."""
    if model is Run:
        return {"finished_at": timezone.now() if status in RUN_TERMINAL else None}
    if model is Step:
        return {"incarnation": uuid7() if status == "running" else None}
    if model is Request:
        return {"closed_at": None if status == "open" else timezone.now()}
    return {}


def row_of(model, house, status):
    found = {Action: house.propose, Run: lambda: house.run, Step: house.run.steps.get, Request: house.asked}[model]()
    model.objects.filter(pk=found.pk).update(status=status, **paired(model, status))
    return model.objects.get(pk=found.pk)


def told(row):
    return Event.objects.filter(subject_id=str(row.pk)).count()


@pytest.mark.parametrize("model", LIFECYCLES)
def test_every_pair_of_states_moves_with_one_event_or_not_at_all(house, model):
    row = row_of(model, house, LIFECYCLES[model][0])
    for old, new in product(values(model), repeat=2):
        with pgtrigger.ignore("tools.Action:action_says_what_it_said"):  # here one row is every action in turn
            simulated = (
                {"is_simulated": old == "simulated" or (new == "simulated" and old in OF_SIMULATED)}
                if model is Action
                else {}
            )
            model.objects.filter(pk=row.pk).update(status=old, **paired(model, old), **simulated)
        row.refresh_from_db()
        before = told(row)
        if new in model.TRANSITIONS.get(old, ()):
            transition(row, new, by=SETUP, body={"more": 1}, **paired(model, new))
            event = Event.objects.filter(subject_id=str(row.pk)).latest("sequence")
            assert told(row) == before + 1
            assert (event.verb, event.body) == (f"{model._meta.model_name}.{new}", {"from": old, "more": 1})
            assert row.status == model.objects.get(pk=row.pk).status == new
        else:
            with pytest.raises(StaleState, match=f"is {old}; it cannot become {new}"):
                transition(row, new, by=SETUP, **paired(model, new))
            assert (told(row), row.status, model.objects.get(pk=row.pk).status) == (before, old, old)


@pytest.mark.parametrize("model", LIFECYCLES)
def test_every_state_is_known_reachable_and_leavable_or_an_end(model):
    first, ends = LIFECYCLES[model]
    table = model.TRANSITIONS
    reached, waiting = {first}, [first]
    while waiting:
        for new in table.get(waiting.pop(), ()):
            if new not in reached:
                reached.add(new)
                waiting.append(new)
    assert reached == values(model)
    assert set(table) <= values(model)
    assert values(model) - set(table) == ends


def test_a_lost_comparison_writes_nothing(house):
    action = house.propose()
    Action.objects.filter(pk=action.pk).update(status="cancelled")
    before = told(action)
    with pytest.raises(StaleState, match="is no longer proposed"):
        transition(action, "approved", by=SETUP, explanation="x")
    assert (action.status, action.explanation, told(action)) == ("proposed", "", before)
    assert Action.objects.get(pk=action.pk).status == "cancelled"


def test_a_condition_that_does_not_hold_writes_nothing(house):
    action = house.propose()
    with pytest.raises(StaleState, match="may not become approved now"):
        transition(action, "approved", by=SETUP, where=Q(attempt=9))
    assert Action.objects.get(pk=action.pk).status == "proposed"
    transition(action, "cancelled", by=SETUP, where=Q(attempt=0))


def test_a_lost_comparison_leaves_the_surrounding_transaction_usable(house):
    action = house.propose()
    with transaction.atomic():
        with pytest.raises(StaleState):
            transition(action, "approved", by=SETUP, where=Q(attempt=9))
        transition(action, "cancelled", by=SETUP)
    assert Action.objects.get(pk=action.pk).status == "cancelled"


def test_values_that_the_database_computes_are_read_back(house):
    action = house.propose()
    transition(action, "cancelled", by=SETUP, finished_at=ClockTimestamp(), explanation="x")
    assert action.finished_at == Action.objects.get(pk=action.pk).finished_at
    assert action.explanation == "x"


def test_without_its_event_nothing_moves(house, monkeypatch):
    action = house.propose()

    def fail(*_, **__):
        raise RuntimeError("no ledger")

    monkeypatch.setattr(transitions, "record_move", fail)
    with pytest.raises(RuntimeError, match="no ledger"), transaction.atomic():
        transition(action, "cancelled", by=SETUP)
    assert (action.status, Action.objects.get(pk=action.pk).status) == ("proposed", "proposed")


def test_a_move_with_its_event_costs_one_statement(house, django_assert_num_queries):
    action = house.propose()
    with django_assert_num_queries(1):
        transition(action, "cancelled", by=SETUP, finished_at=ClockTimestamp())
    assert events(action)[-1] == "action.cancelled"
