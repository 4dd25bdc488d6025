"""What people fill a form in with: it fits the form's schema, and a quorum agrees on the same."""

from typing import Any

from approvals.models import Request
from approvals.states import DecisionKind
from tools.schemas import validate
from workspaces.canonical import digest, sanitise
from workspaces.errors import InvalidInput


def check_filled_in(request: Request, answers: dict[str, Any] | None) -> dict[str, Any]:
    """Return the answers as they are kept; raise ``InvalidInput`` with sentences by field."""
    if answers is None:
        raise InvalidInput("Fill in the form.", fields={"arguments": ["This may not be empty."]})
    kept: dict[str, Any] = sanitise(answers)
    fields: dict[str, list[str]] = {}
    for problem in validate(kept, request.evidence["form"]["schema"]):
        fields.setdefault(problem.path or "arguments", []).append(problem.sentence)
    if fields:
        raise InvalidInput("The form is not filled in as it has to be.", "Correct the fields named.", fields)
    earlier = request.decisions.filter(kind=DecisionKind.APPROVE).select_related("user").first()
    if earlier is not None and digest(earlier.answers) != digest(kept):
        raise InvalidInput(
            f"{earlier.user} has filled it in otherwise; a quorum agrees on the same.", "Write the same, or reject."
        )
    return kept
