"""The parts of what a model is told: each from one row, with its label and trust, within the budget of its source.

Budgets are in tokens, counted as a quarter of the characters. What does not fit is left out or shortened, never
silently: the part says so. Actions that wait, or are in doubt, and what people have decided are never left out.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from agents.models import Run
from approvals.models import Decision
from memory.models import Fact, Trust
from memory.models import Message as SessionMessage
from tools.models import Action
from tools.states import ACTION_TERMINAL, ActionStatus, Effect

BUDGETS: Final = {"session": 4_000, "facts": 1_500, "results": 60_000}
"""Tokens that each source may take of one model call: earlier messages, facts, and the results of reads."""
MAX_EARLIER: Final = 20
MAX_EARLIER_TEXT: Final = 4_000
MAX_REASON: Final = 500
DECIDED: Final = (ActionStatus.REJECTED, ActionStatus.ANSWERED)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the context: ``kind`` and ``id`` name the row it is from, ``cut`` says that it was shortened.

    ``state`` is where the row stood, for what goes on: what was told can then be shown again as it was.
    """

    kind: str
    id: str
    label: str
    trust: str
    text: str
    cut: bool = False
    state: str = ""

    @property
    def tokens(self) -> int:
        return tokens_of(self.text)

    def as_json(self) -> dict[str, Any]:
        """Return what is kept with the step: all but the text, which stays in the row it is from."""
        kept = {"kind": self.kind, "id": self.id, "label": self.label, "trust": self.trust, "tokens": self.tokens}
        return {**kept, "cut": self.cut, **({"state": self.state} if self.state else {})}


def tokens_of(text: str) -> int:
    """Return about how many tokens a text takes: a quarter of its characters, rounded up."""
    return -(-len(text) // 4)


def within(parts: Iterable[Part], budget: int) -> list[Part]:
    """Return the first parts that fit into ``budget`` tokens together."""
    kept: list[Part] = []
    for part in parts:
        budget -= part.tokens
        if budget < 0:
            break
        kept.append(part)
    return kept


def overlay_parts(run: Run) -> list[Part]:
    """Return what an owner has the agent told for this customer; nothing where nobody wrote anything."""
    overlay = run.overlay
    if overlay is None or not overlay.prompt:
        return []
    return [Part("overlay", str(overlay.id), overlay.label, Trust.TRUSTED, overlay.prompt)]


def earlier_messages(run: Run) -> list[SessionMessage]:
    """Return the last messages of the run's session that other runs left, oldest first.

    The run that it was forked from is not another one: what that one said afterwards the fork is to find out itself.
    """
    if run.session_id is None:
        return []
    own = [one for one in (run.id, run.forked_from_id) if one is not None]
    found = SessionMessage.objects.filter(session_id=run.session_id).exclude(run_id__in=own).order_by("-at", "-id")
    return list(found[:MAX_EARLIER])[::-1]


def message_part(message: SessionMessage) -> Part:
    """Return one earlier message, shortened where it is long."""
    text = f"[{message.at:%Y-%m-%d} {message.get_role_display()}] {short(message.text)}"
    cut = len(message.text) > MAX_EARLIER_TEXT
    return Part("message", str(message.id), f"session: {message.source}", message.trust, text, cut)


def session_parts(run: Run) -> list[Part]:
    """Return the window of earlier messages: the newest that fit, oldest first."""
    newest = [message_part(message) for message in reversed(earlier_messages(run))]
    return within(newest, BUDGETS["session"])[::-1]


def short(text: str) -> str:
    """Return a text, shortened where it is longer than any one earlier message may be."""
    return text if len(text) <= MAX_EARLIER_TEXT else f"{text[:MAX_EARLIER_TEXT]}… (shortened)"


def facts_of(run: Run) -> list[Fact]:
    """Return what is held now of the subject that the run is about, the newest that fit, by key."""
    session = run.session
    if session is None:
        return []
    known = Fact.objects.about(
        workspace_id=run.workspace_id,
        agent_id=run.agent_id,
        subject_kind=session.subject_kind,
        subject_ref=session.subject_ref,
        environment=run.environment,
    )
    newest = list(known.valid().order_by("-recorded_at", "-id"))
    kept = within((fact_part(fact) for fact in newest), BUDGETS["facts"])
    return sorted(newest[: len(kept)], key=lambda fact: fact.key)


def fact_part(fact: Fact) -> Part:
    """Return one fact as the model reads it."""
    value = json.dumps(fact.value, ensure_ascii=False)
    sure = "" if fact.confidence is None else f", confidence {fact.confidence}"
    text = f"- {fact.key}: {value} [{fact.trust}{sure}, since {fact.valid_from:%Y-%m-%d}]"
    return Part("fact", str(fact.id), f"memory: {fact.key}", fact.trust, text)


def standing_parts(run: Run) -> list[Part]:
    """Return what other runs about the same subject have open, changed, or had decided by people: never left out.

    What was simulated never was; what a fork repeats stands in its own conversation.
    """
    if run.session_id is None:
        return []
    about = Q(session_id=run.session_id) | Q(rolls_back__session_id=run.session_id)
    others = Run.objects.filter(about).exclude(pk=run.pk).values("id")
    said = Exists(Decision.objects.filter(request__action=OuterRef("pk")))
    matters = (
        ~Q(status__in=ACTION_TERMINAL)
        | Q(status__in=DECIDED)
        | Q(status=ActionStatus.SUCCEEDED) & ~Q(effect=Effect.READ)
        | Q(said)
        | Q(revises__isnull=False)  # an edit is a decision, too: what it revised is superseded, it stands for both
    )
    actions = Action.objects.filter(matters, run_id__in=others, is_simulated=False)
    actions = actions.exclude(status=ActionStatus.SUPERSEDED)
    if run.forked_from_id is not None:
        actions = actions.exclude(pk__in=run.steps.filter(copies__isnull=False).values("copies__action"))
    return [standing_part(action) for action in actions.select_related("tool").order_by("created_at", "id")]


def standing_part(action: Action, told: str = "") -> Part:
    """Return one action of another run in a line: what it is, where it stands, and what a person said of it.

    ``told`` is where it stood when a model was told of it; it may have moved since.
    """
    status = ActionStatus(told or action.status)
    reason = action.explanation[:MAX_REASON] if status in DECIDED else ""
    said = f": {json.dumps(reason, ensure_ascii=False)}" if reason else ""
    undo = ", to undo an earlier one" if action.compensates_id else ""
    text = f"- {action.tool.name}{undo} ({action.created_at:%Y-%m-%d}) {status.label.lower()}{said}"
    cut = bool(reason) and len(action.explanation) > MAX_REASON
    return Part(
        "action", str(action.id), f"{action.tool.name}, {status.label.lower()}", Trust.TRUSTED, text, cut, str(status)
    )
