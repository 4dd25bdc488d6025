"""For whom a run works, as the memory floor asks it (``memory.ports.RunSource``); what its model calls were told."""

from typing import Any
from uuid import UUID

from agents.engine.conversation import step_part
from agents.engine.flow.asking import node_parts
from agents.engine.parts import BUDGETS, fact_part, message_part, overlay_parts, standing_part
from agents.models import AgentVersionCollection, Run, Step
from agents.states import StepKind
from memory.models import Fact, Message
from memory.ports import RunFacts
from tools.models import Action


class Runs:
    """Reads it from rows."""

    def for_run(self, run_id: UUID) -> RunFacts:
        """Return the run's starter, its version's collections less those that an overlay removes, and its subject."""
        run = (
            Run.objects.select_related("started_by", "session", "overlay", "rolls_back__session")
            .filter(pk=run_id)
            .first()
        )
        if run is None:
            raise LookupError("The run of this action is not known.")
        named = AgentVersionCollection.objects.filter(version_id=run.version_id)
        if run.overlay is not None:
            named = named.exclude(collection__name__in=run.overlay.removed_collections)
        told = run.rolls_back if run.rolls_back is not None else run  # undoing is about whom the undone run was about
        session = told.session
        return RunFacts(
            starter=run.started_by,
            collections=list(named.values_list("collection_id", flat=True)),
            subject_kind=session.subject_kind if session else "",
            subject_ref=session.subject_ref if session else "",
            environment=run.environment,
        )


def facts_used(run: Run) -> list[UUID]:
    """Return the ids of the facts that the run's model calls were told, forgotten ones too, each once."""
    answered = run.steps.filter(kind=StepKind.MODEL, output__has_key="saw").values_list("output__saw", flat=True)
    found = (part["id"] for saw in answered for part in saw if part["kind"] == "fact")
    return [UUID(one) for one in dict.fromkeys(found)]


def context_seen(step: Step) -> dict[str, Any]:
    """Return the parts that a model step was told, each with its text: that of the row it is from.

    The rows do not change once they were told, except that something is forgotten: then the text is None. Actions of
    other runs go on: they are shown where they stood then.
    """
    saw = (step.output or {}).get("saw") or []
    texts = {**_own(step), **_others(step, saw)}
    return {
        "budgets": dict(BUDGETS),
        "parts": [{**part, "text": texts.get((part["kind"], part["id"]))} for part in saw],
    }


def _own(step: Step) -> dict[tuple[str, str], str]:
    run = step.run
    return {
        **{(part.kind, part.id): part.text for part in node_parts(step)},
        ("notice", str(step.id)): (step.output or {}).get("notice", ""),
        ("goal", str(run.version_id)): run.version.goal,
        **{(part.kind, part.id): part.text for part in overlay_parts(run)},
        ("ticket", str(run.id)): f"Ticket:\n{run.input.get('text', '')}",
    }


def _others(step: Step, saw: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    ids: dict[str, list[str]] = {}
    for part in saw:
        ids.setdefault(part["kind"], []).append(part["id"])
    cut = {part["id"] for part in saw if part["cut"]}
    here = {"workspace_id": step.workspace_id}
    steps = Step.objects.filter(**here, pk__in=ids.get("step", [])).select_related("action__tool")
    parts = [message_part(one) for one in Message.objects.filter(**here, pk__in=ids.get("message", []))]
    parts += [fact_part(one) for one in Fact.objects.filter(**here, pk__in=ids.get("fact", []))]
    parts += [step_part(one, shortened=str(one.pk) in cut) for one in steps]
    stood = {part["id"]: part.get("state", "") for part in saw}
    standing = Action.objects.filter(**here, pk__in=ids.get("action", [])).select_related("tool")
    parts += [standing_part(one, stood[str(one.pk)]) for one in standing]
    return {(part.kind, part.id): part.text for part in parts}
