"""What the tools floor needs from above: the gate. Where nobody registers one, everything is denied."""

from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tools.models import Action
from tools.states import ActionStatus
from workspaces.actors import System
from workspaces.transitions import transition

NOBODY = System("closed_gate")


class Gate(Protocol):
    """The one judge of actions; implemented by the approvals floor."""

    def clear(self, action_id: UUID) -> Action:
        """Evaluate the action as it stands and store the verdict; return it approved, in review or denied."""
        ...

    def policy_digest(self, workspace_id: UUID) -> str:
        """Return the digest of the rules in force."""
        ...

    def still_holds(self, action: Action) -> bool:
        """Say whether the people on whom the clearance rests, who started and who decided, still hold their rights."""
        ...

    def standing(self, action: Action) -> Q:
        """Return the condition, for the claim's own UPDATE, that the clearance's rules are the rules in force."""
        ...

    def may_observe(self, action: Action) -> bool:
        """Say whether the action's read-only companions may look before anybody has approved."""
        ...


class ClosedGate:
    """Denies: what stands in until the approvals floor registers itself."""

    def clear(self, action_id: UUID) -> Action:
        with transaction.atomic():
            action = Action.objects.select_for_update().get(pk=action_id)
            if action.status == ActionStatus.APPROVED:
                transition(action, ActionStatus.PROPOSED, by=NOBODY, cleared_binding="", cleared_until=None)
            if action.status == ActionStatus.PROPOSED:
                sentence = "No gate is in force in this process, so everything is denied."
                transition(action, ActionStatus.DENIED, by=NOBODY, explanation=sentence, finished_at=timezone.now())
        return action

    def policy_digest(self, workspace_id: UUID) -> str:
        return "none"

    def still_holds(self, action: Action) -> bool:
        return False

    def standing(self, action: Action) -> Q:
        return Q(pk__in=[])

    def may_observe(self, action: Action) -> bool:
        return False


_gate: Gate = ClosedGate()


def register_gate(gate: Gate) -> None:
    """Put ``gate`` in force for this process; called once, when the approvals floor is ready."""
    global _gate
    _gate = gate


def gate() -> Gate:
    """Return the gate in force."""
    return _gate
