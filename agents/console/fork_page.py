"""What a run's page tells of forks: where it is from, that it is simulated, and which forks there are of it."""

from typing import Final

from django.urls import reverse

from agents.errors import NotSimulated
from agents.models import Run
from agents.operations.forking import check_live
from agents.states import RunKind
from workspaces.console.fork_shapes import ForkLink, ForkState
from workspaces.console.links import run_url

FORKS_SHOWN: Final = 10


def fork_url(run: Run, may: bool) -> str:
    """Return where forks of the run are made; empty where none can be."""
    able = may and run.kind == RunKind.TASK and run.emptied_at is None
    return reverse("runs:fork", args=[run.id]) if able else ""


def fork_state(run: Run, may: bool) -> ForkState:
    """Return where the run is from and what was forked from it; ``may`` says whether this person may control it."""
    forks = run.forks.select_related("started_by").order_by("-id")[:FORKS_SHOWN]
    return ForkState(
        simulated=run.is_simulated,
        from_url=run_url(run.forked_from_id) if run.forked_from_id else "",
        at=run.forked_at,
        live_by=str(run.made_live_by) if run.made_live_by else "",
        live_at=run.made_live_at,
        go_live_url=reverse("runs:go-live", args=[run.id]) if may and _can_go_live(run) else "",
        forks=[_link(fork) for fork in forks],
    )


def _link(fork: Run) -> ForkLink:
    return ForkLink(
        id=str(fork.id),
        url=run_url(fork.id),
        at=fork.forked_at or 0,
        status=fork.status,
        mode=fork.mode,
        by=str(fork.started_by),
        created_at=fork.created_at,
    )


def _can_go_live(run: Run) -> bool:
    try:
        check_live(run)
    except NotSimulated:
        return False
    return True
