"""A form that is sent twice (a double click, a reload, the way back) is carried out once and leads to the same place.

``{% once %}`` puts a one-time key into a form; the view wraps its operation in :func:`once`. It rests on what the API's
``Idempotency-Key`` rests on, and needs no script. The same key with other content is another wish, and is carried out.
"""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest

from workspaces.canonical import digest, sanitise
from workspaces.console.asking import person_of
from workspaces.operations.repeating import Repeatable, answer_once
from workspaces.tenancy import workspace_of

FIELD: Final = "once"
OWN: Final = frozenset({FIELD, "csrfmiddlewaretoken"})
LONGEST: Final = 100


def once(request: HttpRequest, perform: Callable[[], str]) -> str:
    """Return the address to which ``perform`` leads, or led when this person sent this very form before.

    ``perform`` runs in a transaction, so it may ask no outside system. A form without a key is carried out each time.
    """
    key = request.POST.get(FIELD, "")
    if not key or len(key) > LONGEST or not (key.isascii() and key.isprintable()):
        return perform()
    body = digest(sanitise({name: request.POST.getlist(name) for name in request.POST if name not in OWN}))

    def carry_out() -> tuple[int, dict[str, Any]]:
        return 302, {"location": perform()}

    asked = Repeatable(
        workspace=workspace_of(request), by=person_of(request), endpoint=request.path, key=f"{key} {body}", body=body
    )
    _, stored, _ = answer_once(asked, carry_out, wait=True)
    return str(stored["location"])
