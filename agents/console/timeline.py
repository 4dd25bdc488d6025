"""A run's steps as its page tells them: what was asked of the model, what was proposed, judged, decided and done."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from agents.console.changes import changed_fields
from agents.console.rows import CURRENCY
from agents.models import Run, Step
from agents.states import StepKind
from approvals.models import Decision, Request, Verdict
from approvals.sentences import title_of
from tools.models import Action, ActionAttempt, UsageRecord
from tools.states import ActionStatus, AttemptKind, AttemptOutcome, Effect
from workspaces.console import differences
from workspaces.console.differences import FieldDiff
from workspaces.console.links import request_url
from workspaces.console.shapes import TimelineItem, Words
from workspaces.console.words import look
from workspaces.models import User

ICONS: Final = {Effect.READ: "read", Effect.IRREVERSIBLE: "send"}


@dataclass
class Story:
    """The rows behind some steps, fetched by one query a table."""

    actions: dict[UUID, list[Action]] = field(default_factory=lambda: defaultdict(list))
    attempts: dict[UUID, list[ActionAttempt]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[UUID, Verdict] = field(default_factory=dict)
    requests: dict[UUID, Request] = field(default_factory=dict)
    decisions: dict[UUID, Decision] = field(default_factory=dict)
    usage: dict[UUID, list[UsageRecord]] = field(default_factory=lambda: defaultdict(list))
    undone: dict[UUID, str] = field(default_factory=dict)
    undo_url: str = ""


def timeline(run: Run, steps: Sequence[Step], user: User, undo_url: str = "") -> list[TimelineItem]:
    """Return ``steps`` in their order; ``undo_url`` is where one action's rollback is asked for, if it may be."""
    story = _story(run, steps, user)
    story.undo_url = undo_url
    items = [item for step in steps for item in _items(step, run, story)]
    began = run.started_at or run.created_at
    return [replace(item, after=max(timedelta(), item.at - began)) for item in items]


def _story(run: Run, steps: Iterable[Step], user: User) -> Story:
    story, ids = Story(), [step.id for step in steps]
    actions = Action.objects.filter(run_id=run.id, step_id__in=ids).select_related("tool", "revises")
    for action in actions.order_by("created_at", "id"):
        story.actions[action.step_id].append(action)
    known = [action.id for found in story.actions.values() for action in found]
    for attempt in ActionAttempt.objects.filter(action_id__in=known).order_by("started_at", "id"):
        story.attempts[attempt.action_id].append(attempt)
    verdicts = Verdict.objects.filter(action_id__in=known).defer("inputs", "matched", "terms").order_by("at", "id")
    story.verdicts = {verdict.action_id: verdict for verdict in verdicts}
    _people(story, known, user)
    _undone(story, known)
    for record in UsageRecord.objects.filter(step_id__in=ids).order_by("at", "id"):
        story.usage[record.step_id].append(record)
    return story


def _people(story: Story, actions: list[UUID], user: User) -> None:
    """Fetch requests and decisions, for whoever may see them."""
    requests = Request.objects.visible_to(user).filter(action_id__in=actions).defer("evidence")
    for request in requests.order_by("opened_at", "id"):
        if request.action_id is not None:
            story.requests[request.action_id] = request
    shown = [request.id for request in story.requests.values()]
    for decision in Decision.objects.filter(request_id__in=shown).select_related("user").order_by("at"):
        story.decisions[decision.request_id] = decision


def _undone(story: Story, actions: list[UUID]) -> None:
    """Say of each compensated action what that rests on: a read-back, or only the compensation's own success."""
    looks = ActionAttempt.objects.filter(action_id=OuterRef("pk"), kind=AttemptKind.VERIFY).order_by("-started_at")
    made = Action.objects.filter(compensates_id__in=actions, status=ActionStatus.SUCCEEDED)
    seen = made.annotate(seen=Subquery(looks.values("evidence__image")[:1])).order_by("id")
    for compensated, expected, shown in seen.values_list("compensates_id", "after_image", "seen"):
        if compensated is not None:
            story.undone[compensated] = "verified" if shown is not None and shown == expected else "unread"


def _items(step: Step, run: Run, story: Story) -> list[TimelineItem]:
    """Return what there is to say of a step; one of a workflow says which node it carries out."""
    found = _of_step(step, run, story)
    return [replace(item, title=f"{step.node}: {item.title}") for item in found] if step.node else found


def _of_step(step: Step, run: Run, story: Story) -> list[TimelineItem]:
    if step.kind == StepKind.MODEL:
        return [_model_item(step, run, story.usage[step.id])]
    actions = story.actions[step.id]
    return [_action_item(step, action, story) for action in actions] or [_plain_item(step)]


def _plain_item(step: Step) -> TimelineItem:
    """Return a step without an action: a call that could not be used, for example."""
    tool = str(step.input.get("tool", ""))
    return TimelineItem(
        title=tool or look("step_kind", step.kind).word,
        kind="step",
        value=step.status,
        icon=look("step_kind", step.kind).icon,
        at=step.created_at,
        key=str(step.id),
        note=step.explanation,
        data=step.input.get("raw") or None,
        result=(step.output or {}).get("value"),
    )


def _model_item(step: Step, run: Run, calls: Sequence[UsageRecord]) -> TimelineItem:
    answer = (step.output or {}).get("answer") or {}
    saw = (step.output or {}).get("saw") or []
    latency = sum(call.latency_ms for call in calls)
    return TimelineItem(
        title="Model call",
        kind="step",
        value=step.status,
        icon="model",
        at=step.started_at or step.created_at,
        key=str(step.id),
        note=step.explanation,
        took=timedelta(milliseconds=latency) if calls else None,
        attempts=max(1, len(calls)),
        cost=_cost(calls),
        currency=CURRENCY,
        costed=bool(calls),
        about=_proposed(answer),
        facts=[*_model_facts(calls), *_seen(saw)],
        data=saw or None,
        told_url=reverse("runs:told", args=[run.id, step.id]) if saw else "",
        words=_words(step, calls, answer),
    )


def _seen(saw: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return what the call was told, part by part, with each part's trust; the texts are behind the API."""
    if not saw:
        return []
    parts = [f"{part['label']} ({part['trust']}{', shortened' if part['cut'] else ''})" for part in saw]
    return [("Was told", f"{'; '.join(parts)}: about {sum(part['tokens'] for part in saw):,} tokens")]


def _cost(calls: Sequence[UsageRecord]) -> Decimal | None:
    known = [call.cost for call in calls if call.cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(calls) else None


def _model_facts(calls: Sequence[UsageRecord]) -> list[tuple[str, str]]:
    """Return what each call came to; the same failure of the same model stands there once, with its number."""
    told = Counter((call.model, _told(call)) for call in calls)
    return [(model, said if times == 1 else f"{times} times: {said}") for (model, said), times in told.items()]


def _told(call: UsageRecord) -> str:
    if call.outcome != "answered":
        return call.explanation or call.outcome
    cached = f" ({_count(call.cached_tokens)} of them cached)" if call.cached_tokens else ""
    return f"{_count(call.input_tokens)} tokens in{cached}, {_count(call.output_tokens)} out"


def _proposed(answer: dict[str, Any]) -> str:
    names = [str(call.get("name", "")) for call in answer.get("calls") or ()]
    return f"proposes {', '.join(names)}" if names else "answers" if answer else ""


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _words(step: Step, calls: Sequence[UsageRecord], answer: dict[str, Any]) -> Words | None:
    said = "\n\n".join(str(part) for part in (answer.get("reasoning"), answer.get("text")) if part)
    if not said:
        return None
    at = step.finished_at or step.created_at
    return Words(text=said, model=str(answer.get("model", "")), at=at, demo=_by_demo(calls))


def _by_demo(calls: Sequence[UsageRecord]) -> bool:
    """Tell whether the demo planner answered, whichever endpoints the route has."""
    return any(call.provider == "demo" and call.outcome == "answered" for call in calls)


def _action_item(step: Step, action: Action, story: Story) -> TimelineItem:
    request = story.requests.get(action.id)
    decision = story.decisions.get(request.id) if request else None
    tries = [attempt for attempt in story.attempts[action.id] if attempt.kind == AttemptKind.EXECUTE]
    return TimelineItem(
        title=action.tool.title,
        kind="action",
        value=action.status,
        icon=ICONS.get(Effect(action.effect), "tools"),
        at=action.created_at,
        key=str(action.id),
        by=str(decision.user) if decision else "",
        about=_about(action),
        note=_note(step, action, decision),
        url=request_url(request.id) if request else "",
        effect=action.effect,
        took=_took(tries),
        attempts=max(1, len(tries)),
        proof=proof_of(action, story.attempts[action.id]),
        facts=_action_facts(action, story, decision),
        changes=changes_of(action),
        data=action.arguments,
        result=action.result,
        rolled_back=story.undone.get(action.id, ""),
        undo_url=story.undo_url if _may_undo(action, story) else "",
    )


def _about(action: Action) -> str:
    """Return the title's facts without the tool's name, which stands beside them."""
    return title_of(action).removeprefix(action.tool.title).removeprefix(": ")


def _note(step: Step, action: Action, decision: Decision | None) -> str:
    if decision is not None and decision.reason and action.explanation == decision.reason:
        return ""
    if action.explanation or action.is_terminal or step.action_id != action.id:
        return action.explanation
    return step.explanation


def _took(tries: Sequence[ActionAttempt]) -> timedelta | None:
    ended = [attempt.finished_at - attempt.started_at for attempt in tries if attempt.finished_at]
    return sum(ended, timedelta()) if ended else None


def _may_undo(action: Action, story: Story) -> bool:
    done = action.status == ActionStatus.SUCCEEDED and action.undo_plan is not None and action.compensates_id is None
    return done and action.id not in story.undone


def _action_facts(action: Action, story: Story, decision: Decision | None) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    verdict = story.verdicts.get(action.id)
    if verdict is not None:
        facts.append((f"Verdict: {look('verdict', verdict.outcome).word.lower()}", _joined(verdict.reasons)))
    if decision is not None and decision.reason:
        facts.append((f"{look('decision', decision.kind).word} because", decision.reason))
    if action.revises is not None:
        changed = [one.field for one in differences.fields(action.revises.arguments, action.arguments)
                   if one.kind != "same"]  # fmt: skip
        facts.append(("Edited by a person", ", ".join(changed)))
    for attempt in story.attempts[action.id]:
        if attempt.outcome != AttemptOutcome.DONE:
            told = f"{look('attempt', attempt.outcome).word}. {attempt.explanation}".strip()
            facts.append((f"{attempt.get_kind_display()} {attempt.number}", told))
    return facts


def _joined(reasons: Any) -> str:
    return " ".join(str(reason) for reason in reasons) if isinstance(reasons, list) else str(reasons)


def changes_of(action: Action) -> list[FieldDiff]:
    """Return what the action changed (or would change), field by field; nothing for what changes no record."""
    after = action.after_image or action.predicted
    if action.before_image is None or after is None:
        return []
    return changed_fields(action.before_image, after)


def proof_of(action: Action, attempts: Iterable[ActionAttempt]) -> str:
    """Return ``verified`` where the last read-back showed the state that was meant, ``unread`` where none did."""
    if action.status != ActionStatus.SUCCEEDED or action.effect == Effect.READ:
        return ""
    seen = [attempt for attempt in attempts if attempt.kind == AttemptKind.VERIFY]
    shown = seen[-1].evidence.get("image") if seen else None
    return "verified" if shown is not None and shown == action.after_image else "unread"
