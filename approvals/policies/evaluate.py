"""What a set of rules says about one action.

All rules are evaluated, always. The most restrictive of those that match wins: deny > review > allow. A rule whose
condition fails to give true or false denies: nobody knows whether it would have forbidden the action. Where no rule
matches, the action is denied, because nothing allows it.

So wherever at least one rule speaks, one rule more can only narrow the outcome (DESIGN invariant 11); silence is a
deny already, and only a rule that speaks of the action ends it.

A *waived* rule (a review discharged by a grant of autonomy) still matches, and counts as an allow. Only rules that say
so themselves can be waived.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from approvals.policies.cel import ConditionFailed, Facts
from approvals.policies.context import UNKNOWN, GateContext
from approvals.policies.rules import On, Rule
from approvals.states import ExpiryDoes, Outcome

NOTHING_ALLOWS_IT: Final = "No rule of the policy allows this action."
UNREADABLE: Final = "The facts about this action could not be read, so it is denied."
RANK: Final[dict[Outcome, int]] = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.DENY: 2}


@dataclass(frozen=True, slots=True)
class Match:
    """One rule that spoke: what it says (``outcome``, after waiving), why, and the ``error`` if it failed."""

    rule: str
    outcome: Outcome
    reason: str
    waived: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class QueueTerms:
    """How many different people of one queue must approve."""

    queue: str
    quorum: int


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """What a review needs: *every* queue's quorum, before ``time_limit_seconds`` have passed.

    Of several review rules the strictest terms count: per queue the highest quorum, over all the shortest time, and
    rejection on expiry if any rule wants it. Queues are in alphabetical order.
    """

    queues: tuple[QueueTerms, ...]
    time_limit_seconds: int
    on_expiry: ExpiryDoes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome, every rule that spoke, the reasons of those that decided it, and the review's terms if it is one."""

    outcome: Outcome
    matched: tuple[Match, ...]
    reasons: tuple[str, ...]
    review: ReviewTerms | None


def evaluate(rules: Sequence[Rule], context: GateContext, waived: AbstractSet[str] = frozenset()) -> Evaluation:
    """Return what ``rules`` say about ``context``; ``waived`` names the rules that a grant of autonomy discharges.

    What an agent states of itself cannot widen anything, whatever the rules say of it: they are evaluated as if it had
    said nothing, too, and the stricter of the two counts.
    """
    silent = _judged(rules, context.unstated(), waived)
    if context.confidence.stated == UNKNOWN:
        return _evaluation(silent)
    stated = _judged(rules, context, waived)
    first, second = _evaluation(silent), _evaluation(stated)
    if first.outcome == second.outcome == Outcome.REVIEW:
        return _evaluation(list(dict.fromkeys([*silent, *stated])))
    return max(first, second, key=lambda one: RANK[one.outcome])


Spoken = tuple[Rule | None, Match]


def _judged(rules: Sequence[Rule], context: GateContext, waived: AbstractSet[str]) -> list[Spoken]:
    """Return the rules that speak of ``context``, each with what it says."""
    try:
        facts = Facts(context.as_cel())
    except (ValueError, TypeError, RuntimeError) as error:  # RuntimeError includes too deep a nesting
        return [(None, Match("", Outcome.DENY, UNREADABLE, error=str(error)))]
    judging = [rule for rule in rules if rule.on == On.ACTION]
    return [(rule, match) for rule in judging if (match := _match(rule, facts, waived)) is not None]


def _evaluation(spoken: Sequence[Spoken]) -> Evaluation:
    """Return the most restrictive of what was said, and for a review the strictest terms."""
    if not spoken:
        return Evaluation(Outcome.DENY, (), (NOTHING_ALLOWS_IT,), None)
    matched = tuple(match for _, match in spoken)
    outcome = max((match.outcome for match in matched), key=RANK.__getitem__)
    reasons = tuple(dict.fromkeys(match.reason for match in matched if match.outcome == outcome))
    asking = [rule for rule, match in spoken if rule is not None and match.outcome == Outcome.REVIEW]
    return Evaluation(outcome, matched, reasons, _terms(asking) if outcome == Outcome.REVIEW else None)


def speaks(rules: Sequence[Rule], context: GateContext) -> bool:
    """Say whether any of ``rules`` is true of ``context`` (also as if the agent had stated nothing of itself), or
    cannot be evaluated."""
    both = [Facts(context.as_cel()), Facts(context.unstated().as_cel())]
    return any(_match(rule, facts, frozenset()) is not None for facts in both for rule in rules)


def _match(rule: Rule, facts: Facts, waived: AbstractSet[str]) -> Match | None:
    try:
        if not rule.condition.holds(facts):
            return None
    except ConditionFailed as error:
        reason = f"The rule “{rule.name}” could not be evaluated, so the action is denied."
        return Match(rule.name, Outcome.DENY, reason, error=str(error))
    if rule.waivable and rule.name in waived:
        return Match(rule.name, Outcome.ALLOW, rule.reason, waived=True)
    return Match(rule.name, rule.outcome, rule.reason)


def _terms(asking: Iterable[Rule]) -> ReviewTerms:
    rules = list(asking)
    quorums: dict[str, int] = {}
    for rule in rules:
        queue = str(rule.queue)
        quorums[queue] = max(rule.quorum, quorums.get(queue, 0))
    rejects = any(rule.on_expiry == ExpiryDoes.REJECT for rule in rules)
    return ReviewTerms(
        queues=tuple(QueueTerms(queue, quorum) for queue, quorum in sorted(quorums.items())),
        time_limit_seconds=min(rule.time_limit_seconds for rule in rules),
        on_expiry=ExpiryDoes.REJECT if rejects else ExpiryDoes.EXPIRE,
    )
