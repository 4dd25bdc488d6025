"""What becomes of a judged action of a simulated run: denied as it would be, else simulated. Nobody is asked."""

from typing import Final

from approvals.gate import Judgement
from approvals.models import Verdict
from approvals.states import Outcome
from tools.models import Action
from tools.operations.simulating import simulate
from workspaces.actors import Actor

NOT_SENT: Final = "Simulated: nothing was changed or sent."


def is_simulated(action: Action, judgement: Judgement) -> bool:
    """Say whether the verdict leads to a simulation: what is denied is denied in a simulated run, too."""
    return action.is_simulated and judgement.evaluation.outcome != Outcome.DENY


def simulate_judged(action: Action, judgement: Judgement, verdict: Verdict, *, by: Actor) -> None:
    """End the action as simulated, with what its verdict would have led to in a live run."""
    would = would_have(judgement)
    body = {"verdict": str(verdict.id), "outcome": str(judgement.evaluation.outcome)}
    simulate(action, sentence=f"{NOT_SENT} {would}", body=body, by=by)


def would_have(judgement: Judgement) -> str:
    """Return what the verdict means for a live run, in a sentence."""
    evaluation = judgement.evaluation
    if evaluation.review is None:
        return "The policy would have let it pass."
    queues = ", ".join(term.queue for term in evaluation.review.queues)
    return f"People would have been asked in the queue {queues}: {' '.join(evaluation.reasons)}".strip()
