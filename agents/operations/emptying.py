"""Retention: what a run said is removed when it is old enough; what happened, and who decided, stays.

Rows stay, so that numbers, costs, decisions and the ledger still add up; their words, arguments, images and answers go,
and with them the salt by which the ledger's digests could be compared with a guess. Nothing brings them back.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from agents.models import Run
from agents.states import RUN_TERMINAL
from approvals.operations.emptying import empty_requests
from audit.ledger.recording import record
from memory.operations.sessions import forget_messages
from tools.models import Action
from tools.operations.emptying import empty_actions
from tools.states import ACTION_TERMINAL
from workspaces.actors import System, actor_text
from workspaces.database import ClockTimestamp
from workspaces.models.salt import Salt
from workspaces.payloads import let_go
from workspaces.salts import forget

RETENTION: Final = System("retention")
BATCH: Final = 50
REMOVED: Final = "(removed by its age)"

STEPS = """
UPDATE agents_step SET explanation = '', input = input - '{arguments,raw,given,key}'::text[],
    output = output - '{answer,value}'::text[]
WHERE run_id = %s
"""


def empty_old_runs(*, by: System = RETENTION, days: int | None = None) -> int:
    """Empty the runs that ended more than ``RETENTION_DAYS`` ago, at most 50 at once; return how many those were.

    0 days keep everything. A run waits for its turn while an action of it is not over (in doubt, say), or while
    something goes on that undoes it.
    """
    age = settings.RETENTION_DAYS if days is None else days
    if not age:
        return 0
    return sum(empty_run(run_id=run_id, by=by) for run_id in old_runs(age)[:BATCH])


def old_runs(days: int) -> list[UUID]:
    """Return the runs that may be emptied, the oldest first."""
    long_ago = ClockTimestamp() - timedelta(days=days)
    at_work = Action.objects.filter(run_id=OuterRef("pk")).exclude(status__in=sorted(ACTION_TERMINAL))
    undoing = Run.objects.filter(Q(rolls_back=OuterRef("pk")) | Q(parent=OuterRef("pk")), finished_at=None)
    found = Run.objects.filter(~Exists(at_work), ~Exists(undoing), emptied_at=None, finished_at__lt=long_ago)
    return list(found.order_by("finished_at").values_list("id", flat=True))


def empty_run(*, run_id: UUID, by: System) -> bool:
    """Remove what one run that is over said, with its event; return False where it was done already."""
    with transaction.atomic():
        run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.status not in RUN_TERMINAL or run.emptied_at is not None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(STEPS, [run_id])
        Run.objects.filter(pk=run_id).update(
            title=REMOVED,
            input={**{name: said for name, said in run.input.items() if name != "data"}, "text": ""},
            plan=None if run.plan is None else [],
            outcome=None,
            explanation="",
            emptied_at=ClockTimestamp(),
        )
        counts = {"actions": empty_actions(run_id=run_id), "requests": empty_requests(run_id=run_id, title=REMOVED)}
        counts["messages"] = forget_messages(run_id=run_id)
        let_go([run_id])
        Salt.objects.filter(workspace_id=run.workspace_id, scope_id=run_id).delete()
        subject = ("run", run_id)
        record(workspace_id=run.workspace_id, actor=actor_text(by), verb="run.emptied", subject=subject, body=counts)
    forget(run.workspace_id, run_id)
    return True
