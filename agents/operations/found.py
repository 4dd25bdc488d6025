"""Finding a run that somebody wants to do something to: what they may not see does not exist."""

from uuid import UUID

from agents.models import Run
from workspaces.errors import Forbidden, NotFound
from workspaces.models import User


def controllable_run(run_id: UUID, by: User, what: str) -> Run:
    """Return the run; raise ``NotFound`` where the person may not see it and ``Forbidden`` where only see it."""
    run = Run.objects.visible_to(by).select_related("agent", "version").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.", "Choose one from the list of runs.")
    if not Run.objects.controllable_by(by).filter(pk=run.pk).exists():
        raise Forbidden(f"You may not {what} runs of {run.agent.title}.", "Ask an owner to grant it to your team.")
    return run
