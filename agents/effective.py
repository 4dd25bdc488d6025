"""What an agent is for one customer: its version, narrowed by the customer's overlay, with where each part is from.

An overlay can only narrow. What of it would widen is refused when it is saved and, since another version may have been
published meanwhile, left out when it is applied: the version holds there, and a sentence says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from agents.models import AgentVersion, Overlay, Run
from approvals.models import PolicyVersion
from approvals.policies.rules import On, parse_rules
from approvals.states import Outcome
from tools.models import Budget, BudgetScope, Tool, Unit
from workspaces.errors import InvalidInput

LIMITS: Final = {"step_limit": "steps", "budget_usd": "US dollars", "calls_per_turn": "calls a turn"}
OWN_LIMITS: Final = ("time_limit_seconds", "repeat_limit", "answer_limit", "idle_limit")
"""Limits of the version alone: an overlay says nothing of them."""
DISABLED: Final = "the tool itself, which is disabled"
EXTENDED: Final = "people, who extended this run"


@dataclass(frozen=True, slots=True)
class Origin:
    """One part of a configuration: its name, its value in words, and who says so: version, overlay, policy, people.

    ``removed`` marks what does not hold here though the version has it; ``refused`` says why something of the overlay
    does not hold.
    """

    part: str
    value: str
    origin: str
    removed: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Effective:
    """The configuration that holds."""

    version: AgentVersion
    overlay: Overlay | None
    tools: Sequence[Tool]
    collections: Sequence[UUID]
    step_limit: int
    budget_usd: Any
    calls_per_turn: int
    rules: Sequence[dict[str, Any]]
    parts: Sequence[Origin]


def effective(version: AgentVersion, overlay: Overlay | None) -> Effective:
    """Return ``version`` narrowed by ``overlay``, under the policies in force; it costs three statements."""
    gone, unread = (set(overlay.removed_tools), set(overlay.removed_collections)) if overlay else (set(), set())
    every = list(version.tools.select_related("connection").order_by("name"))
    known = list(version.collections.order_by("name").values_list("id", "name"))
    limits = {name: _limit(version, overlay, name) for name in (*LIMITS, *OWN_LIMITS)}
    rules = list(overlay.rules) if overlay else []
    return Effective(
        version=version,
        overlay=overlay,
        tools=[tool for tool in every if tool.name not in gone],
        collections=[pk for pk, name in known if name not in unread],
        step_limit=limits["step_limit"][0],
        budget_usd=limits["budget_usd"][0],
        calls_per_turn=limits["calls_per_turn"][0],
        rules=rules,
        parts=[
            Origin("goal", version.goal, _of(version)),
            Origin("route", version.route.name, _of(version)),
            *([Origin("prompt", overlay.prompt, overlay.label)] if overlay and overlay.prompt else []),
            *(
                _switched(origin, every)
                for origin in _named("tool", [one.name for one in every], gone, version, overlay)
            ),
            *(_named("collection", [name for _, name in known], unread, version, overlay)),
            *(origin for _, origin in limits.values()),
            *_policies(version.workspace_id),
            *(Origin("rule", _rule(rule), overlay.label) for rule in rules if overlay),
        ],
    )


def effective_for(run: Run) -> Effective:
    """Return what holds for a run: its version and the overlay that it took, and the limits as people extended them."""
    held = effective(run.version, run.overlay)
    own = Budget.objects.filter(scope_kind=BudgetScope.RUN, scope_id=run.id, unit=Unit.USD, is_enabled=True).first()
    steps, dollars = run.step_limit, own.limit if own else held.budget_usd
    now = {
        "step_limit": (held.step_limit, steps),
        "budget_usd": (held.budget_usd, dollars),
        "time_limit_seconds": (run.version.time_limit_seconds, run.time_limit_seconds),
    }
    extended = {
        name: Origin(name, _amount(is_now), EXTENDED)
        for name, (said, is_now) in now.items()
        if said is not None and is_now is not None and is_now > said
    }
    parts = [extended.get(origin.part, origin) for origin in held.parts]
    told = "its schedule" if run.schedule_id else "whoever started it"
    parts.append(Origin("priority", run.get_priority_display(), told))
    return replace(held, step_limit=steps, budget_usd=dollars, parts=parts)


def tools_of(version: AgentVersion, overlay: Overlay | None) -> list[Tool]:
    """Return the enabled tools that may be proposed."""
    usable = version.tools.filter(is_enabled=True).exclude(name__in=overlay.removed_tools if overlay else [])
    return list(usable.select_related("connection").order_by("name"))


def calls_of(version: AgentVersion, overlay: Overlay | None) -> int:
    """Return how many calls one turn may take."""
    return int(_limit(version, overlay, "calls_per_turn")[0])


def instructions_of(version: AgentVersion, overlay: Overlay | None) -> str:
    """Return the goal, and the overlay's text under a label of its own."""
    if overlay is None or not overlay.prompt:
        return version.goal
    return f"{version.goal}\n\n[{overlay.label}: it may narrow the goal, never widen it]\n{overlay.prompt}"


def _of(version: AgentVersion | PolicyVersion) -> str:
    return f"version {version.number}"


def _named(part: str, names: list[str], gone: set[str], version: AgentVersion, overlay: Overlay | None) -> list[Origin]:
    taken = overlay.label if overlay else ""
    return [Origin(part, n, taken, removed=True) if n in gone else Origin(part, n, _of(version)) for n in names]


def _switched(origin: Origin, tools: Sequence[Tool]) -> Origin:
    """Return a tool's part as it is, or as taken away where the tool is disabled for everybody."""
    is_off = any(tool.name == origin.value and not tool.is_enabled for tool in tools)
    return replace(origin, origin=DISABLED, removed=True) if is_off else origin


def _policies(workspace_id: UUID) -> list[Origin]:
    """Return the policies in force, by name: their rules are for owners and auditors to read."""
    rows = PolicyVersion.objects.in_force(workspace_id).select_related("policy").order_by("policy__name")
    return [
        Origin("policy", f"{one.policy.title} ({_rules(len(one.rules))})", f"policy {one.policy.name}, {_of(one)}")
        for one in rows
    ]


def _rules(count: int) -> str:
    return f"{count} rule" if count == 1 else f"{count} rules"


def _limit(version: AgentVersion, overlay: Overlay | None, name: str) -> tuple[Any, Origin]:
    """Return the narrower of both and where it is from; the version's where the overlay's would widen it."""
    own, said = getattr(version, name), getattr(overlay, name, None)
    if overlay is None or said is None:
        return own, Origin(name, _amount(own), _of(version))
    if refused := widens(name, own, said):
        return own, Origin(name, _amount(own), _of(version), refused=refused)
    return said, Origin(name, _amount(said), overlay.label)


def widens(name: str, own: Any, said: Any) -> str:
    """Return the sentence that refuses a limit of ``said`` where the version's is ``own``; empty where it narrows."""
    if own is None or said <= own:
        return ""
    what = LIMITS[name]
    return f"An overlay only narrows: {_amount(said)} {what} are more than the {_amount(own)} of the agent's version."


def check_rules(rules: list[dict[str, Any]]) -> None:
    """Raise ``InvalidInput`` for rules that cannot be read, or that could allow something."""
    refused = {
        f"rules/{index}": ["An overlay only narrows: its rules are deny or review, and judge actions."]
        for index, rule in enumerate(parse_rules(rules))
        if rule.outcome == Outcome.ALLOW or rule.on != On.ACTION
    }
    if refused:
        raise InvalidInput("An overlay only narrows: its rules cannot allow.", "Say deny or review.", refused)


def _amount(value: Any) -> str:
    return "no limit" if value is None else f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


def _rule(rule: dict[str, Any]) -> str:
    return f"{rule.get('name', '')}: {rule.get('outcome', '')} when {rule.get('when', '')}"
