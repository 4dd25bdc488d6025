"""The run page: what it is, why it stands still or moves, what it did, what it cost, and what can be done to it."""

from collections.abc import Sequence
from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from agents.console.fork_page import fork_url
from agents.console.found import CONTROLLABLE, OWN_BUDGET, budget_of
from agents.console.rollback_page import report_lines
from agents.console.rows import Effects, RunFacts, Used, effects_of, row_of, used_by
from agents.console.timeline import timeline
from agents.memories import facts_used
from agents.models import Agent, Run
from agents.reasons import MOVING, ReasonKind
from agents.states import RunKind, RunStatus
from agents.waiting import Waiting, why_it_waits
from approvals.sentences import short
from memory.models import Fact
from tools.models import Action
from tools.states import ActionStatus
from workspaces.console.links import NEW_RUN, agent_url, request_url, run_url
from workspaces.console.listing import page_of
from workspaces.console.run_shapes import InFlight, OpenRequest, RunPage, Why
from workspaces.console.shapes import PauseRow, Remembered
from workspaces.console.words import way_in
from workspaces.models import Pause, ScopeKind, User

STEPS_SHOWN: Final = 60
ROLLBACKS_SHOWN: Final = 10
REASONS_SHOWN: Final = 5
TOLD_ELSEWHERE: Final = frozenset({ReasonKind.PAUSE, ReasonKind.CONFIRMATION, ReasonKind.CANCELLING})


def run_page(request: HttpRequest, run: Run, user: User) -> RunPage:
    """Return everything that the page of ``run`` (agent, version, route selected) shows to ``user``."""
    rollbacks = list(run.rollbacks.select_related("agent").order_by("-id")[:ROLLBACKS_SHOWN])
    may = may_control(run, user)
    pauses = list(Pause.objects.over(run.scopes, repair=run.is_repair).select_related("created_by"))
    waiting = why_it_waits(run, user, pauses, beyond_pauses=False)
    stopped = bool(pauses or run.cancel_requested_at)
    waits, waits_url = _what_holds(run, waiting)
    steps, pager = page_of(request, run.steps.order_by("-number"), STEPS_SHOWN)
    undo_url = _rollback_url(run) if may else ""
    facts = _facts(run, pauses)
    used, effects = facts.used.get(run.id, Used()), facts.effects.get(run.id, Effects())
    return RunPage(
        row=row_of(run, facts),
        task=str(run.input.get("text", "")),
        sender=_sender(run),
        agent_url=agent_url(run.agent_id),
        timeline=timeline(run, steps[::-1], user, undo_url, fork_url(run, may)),
        pager=pager,
        session_url=_session_url(run),
        remembered=_told(run),
        why_waits=waits,
        waits_url=waits_url,
        why=why_of(waiting),
        waits_for=[
            OpenRequest(title=one.title, url=request_url(one.id), kind=one.get_kind_display(), at=one.opened_at)
            for one in waiting.requests
        ],
        outcome=_outcome(run),
        report=report_lines(run),
        error=run.explanation if run.status in {RunStatus.FAILED, RunStatus.CANCELLED} else "",
        error_hint=_hint(run, effects.count),
        ended_at=run.finished_at,
        tokens_in=used.tokens_in,
        tokens_out=used.tokens_out,
        step_limit=run.step_limit,
        budget=vars(run)[OWN_BUDGET] if OWN_BUDGET in vars(run) else next(iter(budget_of(run.id)), None),
        in_flight=in_flight(Action.objects.filter(run_id=run.id), stopped),
        pauses=[pause_row(pause, run, may) for pause in pauses if not run.is_terminal],
        rollback_url=_rollback_url(run) if may and effects.worth_a_rollback else "",
        rollbacks=[row_of(rollback, facts) for rollback in rollbacks],
        rolls_back_url=run_url(run.rolls_back_id) if run.rolls_back_id else "",
        rolls_back_title=run.rolls_back.title if run.rolls_back else "",
        again_url=_again_url(run, user),
        cancel_requested_at=run.cancel_requested_at,
        **_configuration(run),
        **_controls(run, may, pauses),
        **live_urls(request, run),
    )


def may_control(run: Run, user: User) -> bool:
    """Say whether ``user`` may pause, cancel and roll back the run; one that was found for its page knows."""
    known: bool | None = vars(run).get(CONTROLLABLE)
    return Run.objects.controllable_by(user).filter(pk=run.pk).exists() if known is None else known


def _facts(run: Run, pauses: Sequence[Pause]) -> RunFacts:
    """Return what the page's row needs; what it waits for is said apart, and in words."""
    return RunFacts(used_by([run.id]), effects_of([run.id]), paused={run.id} if pauses else set())


def live_urls(request: HttpRequest, run: Run) -> dict[str, str]:
    """Return where the page listens, and what it fetches when something has moved."""
    return {"events_url": f"{reverse('runs:live')}?run={run.id}", "region_url": request.get_full_path()}


def _configuration(run: Run) -> dict[str, str]:
    """Return by what the run goes: version, route, and what is different for its customer."""
    return {
        "version": str(run.version.number),
        "route": _route(run),
        "overlay": run.overlay.label if run.overlay else "",
        "effective_url": reverse("runs:effective", args=[run.id]),
    }


def _controls(run: Run, may: bool, pauses: Sequence[Pause]) -> dict[str, str]:
    if not may or run.is_terminal:
        return {}
    stopped = any(pause.scope_id == run.id for pause in pauses)
    return {
        "pause_url": "" if stopped else reverse("runs:pause", args=[run.id]),
        "cancel_url": "" if run.cancel_requested_at else reverse("runs:cancel", args=[run.id]),
    }


def _rollback_url(run: Run) -> str:
    return reverse("runs:rollbacks", args=[run.id]) if run.kind != RunKind.ROLLBACK else ""


def _sender(run: Run) -> str:
    source = str(run.input.get("source", ""))
    return f"{run.started_by} ({way_in(source)})" if source else str(run.started_by)


def _route(run: Run) -> str:
    route = run.version.route
    return f"{route.name} (demo planner, not a model)" if route.is_demo else route.name


def _told(run: Run) -> list[Remembered]:
    """Return the facts that the run's model calls were told, as they are now."""
    used = facts_used(run)
    known = {fact.id: fact for fact in Fact.objects.filter(workspace_id=run.workspace_id, pk__in=used)} if used else {}
    return [_remembered(known.get(one)) for one in used]


def _remembered(fact: Fact | None) -> Remembered:
    if fact is None:
        return Remembered(key="A fact", value=None)
    said = short(fact.value)
    at, status = fact.valid_from, fact.status
    return Remembered(key=fact.key, value=said, trust=fact.trust, source=fact.source, at=at, status=status)


def _session_url(run: Run) -> str:
    return reverse("runs:session", args=[run.session_id]) if run.session_id else ""


def _outcome(run: Run) -> str:
    outcome = run.outcome or {}
    return str(outcome.get("text") or outcome.get("sentence") or "")


def _again_url(run: Run, user: User) -> str:
    """Return where the same task can be given once more, once this run has not come to what was wanted."""
    if run.status not in {RunStatus.FAILED, RunStatus.CANCELLED} or run.kind != RunKind.TASK:
        return ""
    ready = Agent.objects.startable_by(user).filter(pk=run.agent_id, is_enabled=True, current_version__isnull=False)
    return f"{NEW_RUN}?like={run.id}" if ready.exists() else ""


def _hint(run: Run, effects: int) -> str:
    """Say what to do about a run that ended badly; what it did outside is spoken of only where it did something."""
    stays = "What it did until then stays done; roll it back if it should not." if effects else ""
    if run.status == RunStatus.FAILED:
        return f"Read the last steps below. {stays}".strip()
    return stays if run.status == RunStatus.CANCELLED else ""


def in_flight(actions: QuerySet[Action], stopped: bool) -> list[InFlight]:
    """Return those of ``actions`` that may have happened, and of a run that was stopped those that had left."""
    states = [ActionStatus.EXECUTING, ActionStatus.IN_DOUBT] if stopped else [ActionStatus.IN_DOUBT]
    found = actions.filter(status__in=states).select_related("tool")
    return [
        InFlight(title=action.tool.title, status=action.status, since=action.created_at, url=run_url(action.run_id))
        for action in found.order_by("id")[:STEPS_SHOWN]
    ]


def pause_row(pause: Pause, run: Run, may: bool) -> PauseRow:
    """Return a pause over ``run``; the run's and the agent's are released here by whoever may."""
    names = {ScopeKind.RUN: "This run", ScopeKind.AGENT: run.agent.title, ScopeKind.WORKSPACE: "The workspace"}
    places = {ScopeKind.RUN: ("runs:release", run.id), ScopeKind.AGENT: ("agents:release", run.agent_id)}
    kind = ScopeKind(pause.scope_kind)
    place = places.get(kind) if may else None
    return PauseRow(
        scope=kind,
        label=names.get(kind, kind.label),
        by=str(pause.created_by),
        at=pause.created_at,
        reason=pause.reason,
        repair_allowed=pause.allows_repair,
        release_url=reverse(place[0], args=[place[1]]) if place else "",
    )


def why_of(waiting: Waiting) -> list[Why]:
    """Return the reasons that no other part of the page tells."""
    return [
        Why(
            word=one.kind.label,
            sentence=one.sentence,
            hint=one.hint,
            since=one.since,
            until=one.until,
            moves=one.kind in MOVING,
        )
        for one in waiting.reasons
        if one.kind not in TOLD_ELSEWHERE and one.request is None
    ][:REASONS_SHOWN]


def _what_holds(run: Run, waiting: Waiting) -> tuple[str, str]:
    """Return in words why the run does not move, and where that can be changed where no request does."""
    if run.is_preview:
        return waiting.sentence, reverse("runs:rollback", args=[run.id])
    if waiting.requests:
        return "A person must decide.", ""
    return ("" if why_of(waiting) else waiting.sentence), ""
