"""A ``person`` node: people of a queue fill in a typed form; what they write is the output, and is trusted.

Nobody who caused the run may answer, and whoever answered has had a part in what follows.
"""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from agents.engine.claims import WORKER
from agents.engine.flow.around import Given
from agents.engine.flow.places import Place, conclude, fail, of_node
from agents.engine.flow.timing import sleep, wake_waiting
from agents.engine.outcomes import lock_run
from agents.models import Run, Step
from agents.states import StepKind, StepStatus
from agents.workflows.values import Failed
from approvals.errors import NoQueue
from approvals.models import Decision, Request
from approvals.operations import ask_form
from approvals.states import DecisionKind, RequestStatus
from workspaces.canonical import sanitise

FORM: Final = "form:"


@of_node
def perform(place: Place) -> Given | None:
    """Ask people, or take what they said."""
    known = place.step.input.get("request")
    if known is None:
        _ask(place)
        return None
    request = Request.objects.get(pk=known)
    if request.status == RequestStatus.OPEN:
        _stand_by(place, request)
    elif request.status == RequestStatus.APPROVED:
        _take(place, request)
    elif request.status == RequestStatus.EXPIRED and place.node.on_timeout:
        fail(place, request.explanation, way="on_timeout")
    else:
        raise Failed(f"{place.node.title}: {request.explanation or request.get_status_display().lower()}")
    return None


def _ask(place: Place) -> None:
    about, trusted = place.resolve(place.node.about)
    with transaction.atomic():
        run = lock_run(place.step)
        try:
            request = ask_form(
                workspace_id=run.workspace_id,
                queue_name=place.node.queue,
                run_id=run.id,
                agent_id=run.agent_id,
                title=_title(place)[:300],
                evidence=sanitise(_evidence(place, run, about, trusted)),
                causes=run.causes,
                time_limit_seconds=place.node.timeout_seconds,
                by=WORKER,
            )
        except NoQueue as nobody:
            raise Failed(f"{nobody.message} {nobody.hint}") from nobody
        _stand_by(place, request)


def _title(place: Place) -> str:
    return f"Simulated run: {place.node.title}" if place.run.is_simulated else str(place.node.title)


def _evidence(place: Place, run: Run, about: Any, trusted: bool) -> dict[str, Any]:
    """Return what people are shown: the form, the ticket, and what the workflow says that it is about."""
    shown = {
        "tool": place.step.node,
        "title": "What it is about",
        "arguments": {},
        "result": about,
        "trust": "trusted" if trusted else "untrusted",
        "passages": [],
        "step": place.step.number,
        "at": run.created_at.isoformat(),
    }
    return {
        "sentence": _title(place),
        "form": {"title": place.node.title, "schema": place.node.form},
        "run": {"id": str(run.id), "title": run.title, "environment": run.environment, "steps": run.steps_used},
        "agent": {"name": run.agent.name, "title": run.agent.title, "version": run.version.number},
        "ticket": {
            "text": run.input.get("text", ""),
            "source": run.input.get("source", ""),
            "trust": "untrusted",
            "started_by": str(run.started_by_id),
            "at": run.created_at.isoformat(),
        },
        "reads": [] if about is None else [shown],
    }


def _stand_by(place: Place, request: Request) -> None:
    told = f"It waits for people: {place.node.title}"
    sleep(place.step, None, explanation=told, awaits=f"{FORM}{request.id}", kept={"request": str(request.id)})


def _take(place: Place, request: Request) -> None:
    """End the step with the answers; who gave them is a cause of what follows."""
    decisions = list(Decision.objects.filter(request=request, kind=DecisionKind.APPROVE).select_related("user"))
    people = {UUID(person) for decision in decisions for person in decision.user.cause_ids()}
    with transaction.atomic():
        run = lock_run(place.step)
        Run.objects.filter(pk=run.pk).update(causes=sorted({*run.causes, *people}))
        conclude(place, Given(decisions[-1].answers, trusted=True))


def wake_for_request(request_id: UUID) -> UUID | None:
    """Wake the step that waits for a request which is over; return its run."""
    waiting = Step.objects.filter(awaits=f"{FORM}{request_id}", status=StepStatus.WAITING)
    found = waiting.values_list("id", flat=True).first()
    if found is None or Request.objects.open().filter(pk=request_id).exists():
        return None
    return wake_waiting(found)


def answered(rows: Q, limit: int) -> list[UUID]:
    """Return the waiting steps of ``rows`` whose requests are over."""
    asked = (
        Request.objects.open()
        .filter(run_id=OuterRef("run_id"))
        .annotate(address=Concat(Value(FORM), Cast("id", CharField()), output_field=CharField()))
    )
    waiting = Step.objects.filter(rows, status=StepStatus.WAITING, kind=StepKind.PERSON, awaits__startswith=FORM)
    return list(waiting.exclude(Exists(asked.filter(address=OuterRef("awaits")))).values_list("id", flat=True)[:limit])
