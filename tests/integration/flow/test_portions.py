"""What the sweep looks at of all that waits: a portion a round, and everything in turns."""

import pytest

from agents.engine import portions
from agents.engine.portions import next_portion
from agents.engine.sweep import THE_ROW, sweep
from agents.models import Step, Sweep
from tools.models import Action

pytestmark = pytest.mark.django_db
SENDS = {"kind": "action", "tool": "send", "arguments": {"name": "ada", "value": "x"}}
RUNS = 5


@pytest.fixture
def waiting(flows, monkeypatch):
    """Return runs that wait for people, more of them than a round looks at."""
    flows.publish({"send": SENDS})
    found = [flows.rest(flows.start()) for _ in range(RUNS)]
    monkeypatch.setattr(portions, "MOST", 2)
    Sweep.objects.all().delete()
    return found


def rounds(number):
    for _ in range(number):
        assert sweep(lambda _run: None)


def test_portions_are_all_that_waits_each_once_and_then_begin_anew(waiting):
    looked_at = []
    for _ in range(4):
        portion = next_portion(THE_ROW)
        looked_at.append(list(Step.objects.filter(portion.rows, status="waiting").values_list("run_id", flat=True)))
        Sweep.objects.update_or_create(
            pk=THE_ROW, defaults={"looked_until": portion.upto, "swept_at": waiting[0].created_at}
        )
    assert [len(found) for found in looked_at] == [2, 2, 1, 2]
    assert sorted(run_id for found in looked_at[:3] for run_id in found) == sorted(run.id for run in waiting)
    assert looked_at[3] == looked_at[0]


def test_invariant_07_what_lost_signals_left_is_found_within_as_many_rounds_as_there_are_portions(waiting):
    Action.objects.filter(run_id__in=[run.id for run in waiting]).update(status="rejected", explanation="No.")
    left = Step.objects.filter(run__in=waiting, status="waiting")
    rounds(1)
    assert left.count() == RUNS - 2
    rounds(2)
    assert not left.exists()


def test_few_that_wait_are_all_looked_at_in_every_round(waiting, monkeypatch):
    monkeypatch.setattr(portions, "MOST", RUNS + 1)
    Action.objects.filter(run_id=waiting[-1].id).update(status="rejected", explanation="No.")
    rounds(1)
    assert Step.objects.get(run=waiting[-1]).status == "ready"
