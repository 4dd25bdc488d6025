"""Who may decide on a request: in one sentence on its page, and person by person on a page of its own."""

from typing import Final

from approvals.models import Request
from approvals.permissions import candidates, deciders
from approvals.states import RequestStatus

LOOKED_AT: Final = 200
NAMED: Final = 6


def who_may_decide(request: Request) -> str:
    """Return the sentence that names the people who may decide now; empty where nothing waits any more."""
    if request.status != RequestStatus.OPEN:
        return ""
    found = [one for one in deciders(request, candidates(request).order_by("name", "id")[:LOOKED_AT]) if one.may_decide]
    names = [str(one.user) for one in found]
    if not names:
        return "Nobody may decide on this now."
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    return f"{', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]} may decide now."
