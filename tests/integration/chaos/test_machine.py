"""Generated stories over the real database: proposing, deciding, settling, cancelling, expiring, revoking, pausing,
crashing, freezing, late and duplicate delivery, in any order. The same ones every time; ``HYPOTHESIS_PROFILE=search``
looks for new ones.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from config.chaos.outside import WRITE_DOWN
from tests.integration.chaos.machine import Company
from tests.unit.ledger.flushing import flush_past_the_ledger

__all__ = ["flush_past_the_ledger"]
pytestmark = pytest.mark.django_db(transaction=True)
SEARCHING = os.environ.get("HYPOTHESIS_PROFILE") == "search"


@pytest.fixture
def watched(desk, settings):
    """The desk, with a CRM that writes down who changed what."""
    settings.WORKER_DEAD_AFTER_SECONDS = 600
    settings.STEP_TAKEOVERS = 1000
    database = desk.crm.connection
    database.execute(WRITE_DOWN)
    yield desk
    database.execute("DROP TABLE changes; DROP FUNCTION write_down CASCADE")
    database.execute("DELETE FROM customers WHERE id > 200000")


def test_invariants_02_to_12_whatever_comes_in_whatever_order(watched):
    Company.office = watched
    often = {"max_examples": 300, "stateful_step_count": 50} if SEARCHING else {"max_examples": 10}
    quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=not SEARCHING, **often)
    run_state_machine_as_test(Company, settings=settings(quiet, stateful_step_count=50 if SEARCHING else 16))
