"""Two hundred whole runs on one cap, carried on by several workers at once: what the cap allows, and no more."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from queue import Empty, SimpleQueue

import pytest
from django.db import connection, connections
from django.db.models import Count, Q, Sum

from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import Run, Step
from agents.operations import publish_version, save_route, set_up_budget, start_run
from approvals.models import Request
from approvals.states import RequestKind
from tests.factories import SETUP
from tools.models import Budget, Reservation, UsageRecord
from tools.operations import change_budget

pytestmark = pytest.mark.django_db(transaction=True)
RUNS, WORKERS, ALLOWED = 200, 8, 60

WATCH = """
CREATE TABLE seen_of_the_cap (used numeric, held numeric, cap numeric);
CREATE FUNCTION see_the_cap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO seen_of_the_cap VALUES (NEW.spent + NEW.reserved, NEW.reserved, NEW."limit"); RETURN NULL;
END $$;
CREATE TRIGGER see_the_cap AFTER INSERT OR UPDATE ON tools_budget FOR EACH ROW EXECUTE FUNCTION see_the_cap();
ALTER TABLE tools_budget DROP CONSTRAINT budget_never_exceeded;
"""
"""The constraint is off: what keeps the cap here is the engine alone, and the trigger sees every state of it."""
LET_BE = """
ALTER TABLE tools_budget ADD CONSTRAINT budget_never_exceeded CHECK ("limit" >= spent + reserved);
DROP TRIGGER see_the_cap ON tools_budget;
DROP FUNCTION see_the_cap;
DROP TABLE seen_of_the_cap;
"""


@pytest.fixture
def watched(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(WATCH)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tools_reservation; DELETE FROM tools_budget")
        cursor.execute(LET_BE)


def seen():
    """Return how often the cap was seen, by how much it was ever exceeded, and the most that was held at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(used - cap), max(held) FROM seen_of_the_cap")
        return cursor.fetchone()


def carry_on():
    """Let workers carry all runs on, each by one connection, until every run is over or waits for people."""
    while True:
        sweep(lambda _run: None)
        Step.objects.filter(status="ready").update(wake_at=None)
        todo: SimpleQueue = SimpleQueue()
        for run in Run.objects.filter(steps__status="ready").values_list("id", flat=True):
            todo.put(run)
        if todo.empty():
            return
        with ThreadPoolExecutor(WORKERS) as workers:
            for done in [workers.submit(work, todo) for _ in range(WORKERS)]:
                done.result()


def work(todo):
    try:
        while True:
            run = todo.get_nowait()
            while drive(run):
                pass
    except Empty:
        return
    finally:
        connections.close_all()


def begin(desk, talker):
    """Start the runs of an agent that only talks, each of which makes one call."""
    where, agent = desk.cast.workspace, desk.desk.agent
    talker.says("Done.")
    route = save_route(workspace=where, name="default", endpoints=[talker.endpoint()], max_output_tokens=64, by=SETUP)
    publish_version(agent=agent, goal="Be brief.", route=route, tools=[], by=SETUP)
    return [start_run(agent_id=agent.id, text="Hello", by=desk.cast.owner) for _ in range(RUNS)]


def price_of_one(desk, talker):
    """Return what one call holds and what it costs, by a run of its own under a cap that nothing reaches."""
    budget = workspace_cap(desk, Decimal(100))
    run = desk.rest(begin(desk, talker)[0])
    assert run.status == "succeeded", run.explanation
    held = Reservation.objects.get().amount
    budget.refresh_from_db()
    return budget, held, budget.spent


def workspace_cap(desk, limit):
    return set_up_budget(workspace=desk.cast.workspace, scope_kind="workspace", unit="usd", limit=limit, by=SETUP)


def test_invariant_16_two_hundred_runs_on_one_cap_overspend_nothing_and_park_with_a_request(desk, talker, watched):
    budget, held, cost = price_of_one(desk, talker)
    change_budget(budget=budget, limit=held + ALLOWED * cost, by=SETUP)
    carry_on()

    count, over, most = seen()
    assert (over <= 0, count >= 2 * ALLOWED, most > held) == (True, True, True), (count, over, most)
    found = Run.objects.aggregate(done=Count("id", Q(status="succeeded")), parked=Count("id", Q(status="waiting")))
    assert found == {"done": ALLOWED + 1, "parked": RUNS - ALLOWED - 1}
    asked = Request.objects.open().filter(kind=RequestKind.BUDGET).values_list("run_id", flat=True)
    assert sorted(asked) == sorted(Run.objects.filter(status="waiting").values_list("id", flat=True))
    budget = Budget.objects.get()
    assert budget.reserved == 0
    assert budget.spent == UsageRecord.objects.aggregate(cost=Sum("cost"))["cost"]
    assert budget.spent <= budget.limit
    assert len(talker.heard) == ALLOWED + 1

    change_budget(budget=budget, limit=Decimal(100), by=SETUP)
    carry_on()
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}
    assert len(talker.heard) == UsageRecord.objects.count() == RUNS
    assert Step.objects.filter(failures__gt=0).count() == 0
    assert not Request.objects.open().exists()
    assert seen()[1] <= 0
