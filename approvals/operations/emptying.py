"""Removing what people were shown and wrote about an old run. Who decided what, and when, stays on record."""

from typing import Final
from uuid import UUID

import pgtrigger

from approvals.models import Decision, Request, Verdict

GUARDS: Final = (
    "approvals.Request:request_stays_as_shown",
    "approvals.Decision:decision_append_only",
    "approvals.Verdict:verdict_append_only",
)
"""The triggers that keep anybody else from changing these."""


def empty_requests(*, run_id: UUID, title: str) -> int:
    """Remove evidence, words and inputs; call in the transaction that records it. Return how many requests.

    The digests of what was decided on stay, and so do the names of the rules that asked for people.
    """
    with pgtrigger.ignore(*GUARDS):
        Verdict.objects.filter(action__run_id=run_id).update(inputs={}, reasons=[])
        Decision.objects.filter(request__run_id=run_id).exclude(reason="").update(reason=title)
        Decision.objects.filter(request__run_id=run_id, answers__isnull=False).update(answers={})
        return Request.objects.filter(run_id=run_id).update(title=title, reasons=[], evidence={}, explanation="")
