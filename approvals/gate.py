"""The gate: the one function that turns a proposed action into a verdict (DESIGN section 7).

``schema → pauses → limits → policy → verdict``. This module only judges; ``operations.clearing`` writes.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Count, Q
from django.utils import timezone

from approvals.models import PolicyVersion
from approvals.policies.confidence import measured
from approvals.policies.context import (
    UNKNOWN_SPEND,
    ActionFacts,
    AgentFacts,
    GateContext,
    HistoryFacts,
    LeafFacts,
    ProvenanceFacts,
    RunFacts,
    SubjectFacts,
)
from approvals.policies.evaluate import Evaluation, Match, evaluate, speaks
from approvals.policies.rules import On, Rule, parse_rules
from approvals.ports import ActionContext, context_source
from approvals.states import Outcome
from tools.bindings import destination_digest, tool_digest
from tools.environments import connection_of
from tools.errors import ToolUnavailable
from tools.models import Action
from tools.operations.targets import call_for, operation_of
from tools.schemas import validate
from tools.states import ActionStatus
from workspaces.canonical import digest
from workspaces.errors import InvalidInput

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judgement:
    """An evaluation with everything it rested on."""

    evaluation: Evaluation
    inputs: dict[str, Any]
    context: ActionContext | None
    policy_versions: list[UUID]
    has_undo: bool


def active_versions(workspace_id: UUID) -> list[PolicyVersion]:
    """Return the policy versions in force, in a fixed order."""
    return list(PolicyVersion.objects.in_force(workspace_id).order_by("id"))


def policy_digest(versions: list[PolicyVersion]) -> str:
    """Return the digest over the rules in force."""
    return digest([[str(version.id), version.digest] for version in versions])


def judge(action: Action, versions: list[PolicyVersion]) -> Judgement:
    """Evaluate ``action`` as it stands. Whatever cannot be known or evaluated is a deny (invariant 11)."""
    ids = [version.id for version in versions]
    try:
        context = context_source().for_action(action.id)
        has_undo = _has_undo(action)
        facts = _facts(action, context, has_undo)
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("The gate could not learn about action %s.", action.id)
        reason = str(error) if isinstance(error, LookupError) else f"The gate failed ({type(error).__name__})."
        return Judgement(denied("nothing-is-known", reason), seen_by_people(action), None, ids, has_undo=False)
    evaluation = _refusal(action, context) or _evaluate(versions, facts, context)
    return Judgement(evaluation, facts.as_json() | seen_by_people(action) | _under(context), context, ids, has_undo)


def _under(context: ActionContext) -> dict[str, Any]:
    return {"overlay": context.overlay} if context.overlay else {}


def seen_by_people(action: Action) -> dict[str, Any]:
    """Return what decisions stand and fall with, of a verdict's inputs: the world, what the tool does, and where."""
    return {
        "before_digest": action.before_digest,
        "tool_digest": tool_digest(action.tool),
        "destination": destination_digest(action.tool, connection_of(action)),
    }


def _refusal(action: Action, context: ActionContext) -> Evaluation | None:
    """Deny what no policy can allow: a tool that is not there, is not the same any more, or cannot take this."""
    tool = action.tool
    if action.environment != context.environment:
        return denied("same-environment", f"The run is a {context.environment} run, and this action is not of it.")
    if tool.name in context.removed_tools:
        return denied("tool-removed", f"The {context.overlay} removes the tool {tool.name}.")
    closed = closed_connection(action, lambda: context)
    if closed:
        return denied("connection-may-be-used", f"Whoever started this run may not use the connection {closed}.")
    try:
        call_for(action)
    except ToolUnavailable as error:
        return denied("tool-available", f"{error.message} {error.hint}".strip())
    if _is_recorded_undo(action):
        return None
    if action.schema_digest != tool.schema_digest:
        return denied("tool-unchanged", "The tool's schema has changed since this was proposed. Propose it again.")
    problems = validate(action.arguments, tool.input_schema)
    sentences = [f"{problem.path or 'arguments'}: {problem.sentence}" for problem in problems]
    return denied("arguments-fit-the-tool", *sentences) if sentences else None


def closed_connection(action: Action, context: Callable[[], ActionContext]) -> str:
    """Return the name of the restricted connection that the run's starter may not use now; nothing where they may.

    Repair goes on without the right: whoever may control the run undoes what it did, as recorded.
    """
    connection = connection_of(action)
    if connection is None or action.is_repair or not connection.is_restricted:
        return ""
    return "" if connection.is_open_to(context().starter) else connection.name


def may_use_connection(action: Action) -> bool:
    """Say whether whoever started the action's run may use its connection now; not, where nobody knows who did."""
    try:
        return not closed_connection(action, lambda: context_source().for_action(action.id))
    except LookupError:
        return False


def _is_recorded_undo(action: Action) -> bool:
    """Say whether this is the very undo that was recorded when the effect happened: arguments, and where they lead.

    Such arguments came from the outside system itself. They need not fit the tool's schema, which says what an agent
    may propose: the value that was there before may lie outside it.
    """
    plan = action.compensates.undo_plan if action.compensates else None
    return (
        plan is not None
        and plan["tool"] == action.tool.name
        and plan.get("destination") == destination_digest(action.tool, connection_of(action))
        and digest(plan["arguments"]) == action.arguments_digest
    )


def _evaluate(versions: list[PolicyVersion], facts: GateContext, context: ActionContext) -> Evaluation:
    """Judge by the policy, and where it does not deny, by the customer's own rules too: these can only narrow."""
    try:
        rules, more = _rules(versions), narrowing(context)
    except InvalidInput as error:
        return denied("unreadable-policy", f"The policy in force cannot be read: {error.message}")
    return narrowed(rules, more, facts)


def narrowed(rules: list[Rule], more: list[Rule], facts: GateContext) -> Evaluation:
    """Return what ``rules`` say, and ``more`` besides; never less than what ``rules`` alone say.

    Where none of ``rules`` speaks the action is denied, and stays so: a rule of ``more`` that speaks there, a review
    for example, would otherwise end the silence, and so widen.
    """
    base = evaluate(rules, facts)
    return base if base.outcome == Outcome.DENY or not more else evaluate([*rules, *more], facts)


def narrowing(context: ActionContext) -> list[Rule]:
    """Return the customer's own rules; raise ``InvalidInput`` where one of them could allow something."""
    rules = list(parse_rules(context.rules))
    if any(rule.outcome == Outcome.ALLOW for rule in rules):
        raise InvalidInput(f"A rule of the {context.overlay} would allow something, and an overlay only narrows.")
    return rules


def _rules(versions: list[PolicyVersion]) -> list[Rule]:
    return [rule for version in versions for rule in parse_rules(version.rules)]


def may_look(action: Action, versions: list[PolicyVersion]) -> bool:
    """Say whether the policy lets the before-image be read before people have approved the action.

    Whatever cannot be known or evaluated forbids it.
    """
    try:
        looking = [rule for rule in _rules(versions) if rule.on == On.LOOK]
        if not looking:
            return True
        context = context_source().for_action(action.id)
        return not speaks(looking, _facts(action, context, has_undo=False))
    except DatabaseError:
        raise
    except Exception:  # whatever failed, what is not known to be allowed is not looked at (invariant 11)
        log.exception("The gate could not learn whether action %s may be looked at.", action.id)
        return False


def denied(rule: str, *reasons: str) -> Evaluation:
    """Return a deny that is the gate's own, not a policy's."""
    matched = tuple(Match(rule, Outcome.DENY, reason) for reason in reasons)
    return Evaluation(Outcome.DENY, matched, reasons, None)


def _has_undo(action: Action) -> bool:
    try:
        operation = operation_of(action.tool)
    except ToolUnavailable:
        return False
    return operation.undo(action.arguments, action.before_image, action.predicted) is not None


def _facts(action: Action, context: ActionContext, has_undo: bool) -> GateContext:
    tool, connection = action.tool, connection_of(action)
    leads_back = action.compensates is None or _is_recorded_undo(action)  # else its values are another system's
    leaves = tuple(
        LeafFacts(leaf["path"], leaf["trusted"] and leads_back, leaf["coincidence"], tuple(leaf["sources"]))
        for leaf in action.provenance
    )
    return GateContext(
        action=ActionFacts(
            tool=tool.name,
            operation=tool.operation,
            effect=tool.effect,
            egress=tool.egress,
            idempotency=tool.idempotency,
            connection=connection.name if connection else "",
            environment=action.environment,
            has_undo=has_undo,
            compensates=action.compensates is not None and leads_back,
            arguments=action.arguments,
            moves_money=tool.moves_money,
        ),
        provenance=ProvenanceFacts(
            all_trusted=leads_back and all(leaf.trusted for leaf in leaves),
            any_coincidence=any(leaf.coincidence for leaf in leaves),
            untrusted_influence=action.untrusted_influence,
            planned=action.planned and leads_back,
            leaves=leaves,
        ),
        agent=AgentFacts(name=context.agent_name, version=context.agent_version),
        run=RunFacts(
            kind=context.run_kind,
            environment=context.environment,
            steps=context.steps,
            spent_minor=minor_units(context.spent),
            currency=context.currency,
            labels=context.labels,
        ),
        subject=SubjectFacts(kind=context.subject_kind, ref=context.subject_ref),
        history=_history(action),
        now=timezone.now(),
        confidence=measured(
            action.provenance,
            action.arguments,
            action.before_image,
            retrieval=context.retrieval,
            stated=context.stated,
        ),
    )


def minor_units(amount: Decimal | None) -> int:
    """Return an amount of money in minor units (cents), rounded up; -1 where it is unknown."""
    return UNKNOWN_SPEND if amount is None else int((amount * 100).to_integral_value(ROUND_CEILING))


def _history(action: Action) -> HistoryFacts:
    """Count earlier actions of the same environment in one statement (revisions of this same proposal do not count).

    What another run has only simulated never was.
    """
    now = timezone.now()
    matters = Q(created_at__gt=now - timedelta(days=1)) | Q(run_id=action.run_id) | Q(status=ActionStatus.IN_DOUBT)
    real = Q(is_simulated=False) | Q(run_id=action.run_id)
    same: dict[str, Any] = {"tool_id": action.tool_id, "environment": action.environment}
    earlier = Action.objects.filter(matters, real, **same).exclude(pk=action.pk)
    counts = earlier.aggregate(
        tool_hour=Count("pk", filter=Q(created_at__gt=now - timedelta(hours=1))),
        tool_day=Count("pk", filter=Q(created_at__gt=now - timedelta(days=1))),
        run_same_call=Count(
            "pk", filter=Q(run_id=action.run_id, arguments_digest=action.arguments_digest, revises=None)
        ),
        in_doubt=Count("pk", filter=Q(status=ActionStatus.IN_DOUBT)),
    )
    return HistoryFacts(**counts)
