"""The books of the chaos test find what does not add up: else they would prove nothing."""

from collections import Counter
from itertools import islice

import pytest

from agents.operations import cancel_run
from config.chaos.books import Books
from config.chaos.outside import Effects
from config.chaos.stage import number_of, ticket
from config.chaos.troubles import KINDS, Troubles
from tests.unit.ledger.conftest import witness_path
from tests.unit.ledger.flushing import flush_past_the_ledger
from tools.connectors.postgres_link import application_name
from tools.models import Action

__all__ = ["flush_past_the_ledger", "witness_path"]
pytestmark = pytest.mark.django_db(transaction=True)
ADMIT = """
INSERT INTO customers (id, name, email, tier) VALUES (100001, 'Customer 1', 'customer-1@chaos.example', 'standard')
ON CONFLICT (id) DO UPDATE SET tier = 'standard'
"""


@pytest.fixture
def run(desk):
    """The run of ticket 1, waiting for two decisions."""
    desk.crm.connection.execute(ADMIT)
    yield desk.begin("ticket 1", lambda: desk.start(ticket(1)))
    desk.crm.connection.execute("DELETE FROM customers WHERE id = 100001")


@pytest.fixture
def over(desk, run, witness_path):
    def decided():
        for request in desk.requests(run):
            desk.answer(request)
        return desk.rest(run)

    return desk.begin("ticket 1, over", decided)


def keys(run) -> tuple[str, str]:
    actions = {action.tool.name: action.idempotency_key for action in Action.objects.filter(run_id=run.id)}
    return actions["crm.customer.update"], actions["mail.reply"]


def effects(run, changes=1, sent=1) -> Effects:
    change, mail = keys(run)
    return Effects(Counter({application_name(change): changes}), Counter({mail: sent}))


def books(run, seen: Effects, runs=1) -> Books:
    found = Books(runs)
    for number in range(1, runs + 1):
        found.check_run(number, seen)
    return found


def test_what_happened_once_and_is_on_record_adds_up(over):
    found = books(over, effects(over))
    assert found.add_up, found.problems
    assert found.figures == {"runs": 1, "completed": 1, "lost": 0, "duplicated_effects": 0, "in_doubt": 0}
    assert found.check_ledger(over.workspace_id) > 20
    assert found.problems == []


@pytest.mark.parametrize(
    ("changes", "sent", "lost", "doubled"), [(2, 1, 1, 1), (1, 3, 1, 2), (0, 1, 1, 0), (1, 0, 1, 0)]
)
def test_what_happened_twice_or_never_does_not(over, changes, sent, lost, doubled):
    found = books(over, effects(over, changes, sent))
    assert (found.add_up, found.lost, found.duplicated_effects) == (False, lost, doubled)


def test_a_run_that_stands_still_is_lost(run):
    found = books(run, Effects(Counter(), Counter()))
    assert (found.add_up, found.lost, found.completed) == (False, 1, 0)
    assert any("stands still" in problem for problem in found.problems)


def test_an_effect_that_its_record_denies_is_lost(desk, run):
    seen = effects(run)
    cancel_run(run_id=run.id, by=desk.cast.owner)
    found = books(run, seen)
    assert (found.add_up, found.lost) == (False, 1)
    assert sum("which its record denies" in problem for problem in found.problems) == 2


def test_a_ticket_without_a_run_is_lost(over):
    found = books(over, effects(over), runs=2)
    assert found.problems == ["ticket 2 has 0 runs"]
    assert not found.add_up


def test_a_doubt_that_somebody_is_asked_about_is_named_and_no_loss(desk, run):
    desk.mailbox.drop_after_data = True
    for request in desk.requests(run):
        desk.answer(request)
    desk.rest(run)
    found = books(run, effects(run))
    assert (found.add_up, found.in_doubt, found.completed) == (True, 1, 0), found.problems
    desk.requests(run)[0].delete()
    assert not books(run, effects(run)).add_up


def test_a_success_that_the_ledger_does_not_know_is_found(over):
    unknown = Action.objects.create(**copied(Action.objects.filter(run_id=over.id).first()))
    found = Books(1)
    found.check_ledger(over.workspace_id)
    assert found.problems == [f"the ledger does not know that action {unknown.id} succeeded"]


def copied(action) -> dict:
    """Return the fields of an action that the ledger has never heard of."""
    names = {field.attname for field in Action._meta.concrete_fields} - {"id", "idempotency_key"}
    return {name: getattr(action, name) for name in names} | {"idempotency_key": "cs-another"}


def test_the_same_seed_makes_the_same_troubles_and_each_comes_early():
    def first(seed):
        made = Troubles(seed)
        return [made.make() for _ in range(40)]

    assert first(7) == first(7) != first(8)
    assert {trouble.kind for trouble in islice(first(7), len(KINDS))} == set(KINDS)


def test_a_ticket_is_known_by_its_number():
    assert number_of(ticket(42)) == 42
    assert number_of("Hello") == 0
