"""The ledger: a right of the workspace, for its owners and auditors."""

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit.console import pages
from workspaces.access import can_read_ledger
from workspaces.console.asking import person_of
from workspaces.console.links import LEDGER
from workspaces.errors import Forbidden
from workspaces.tenancy import workspace_of

ALARM_AFTER: Final = timedelta(minutes=1)


@require_safe
def ledger_page(request: HttpRequest) -> HttpResponse:
    """Show the workspace's events, newest first, the seals over them, and how many events no seal covers yet."""
    user, workspace = person_of(request), workspace_of(request)
    if not can_read_ledger(user, workspace.id):
        raise Forbidden("Only owners and auditors of the workspace read the ledger.", "Ask an owner of the workspace.")
    events, pager = pages.events(request, workspace.id)
    seals, seal_pager = pages.seals(request, workspace.id)
    unsealed, oldest_at = pages.unsealed(workspace.id)
    context = {
        "events": events,
        "pager": pager,
        "seals": seals,
        "seal_pager": seal_pager,
        "witness": any(seal.witness for seal in seals),
        "last_seal": seals[0] if seals and not request.GET.get("seal") else None,
        "unsealed": min(unsealed, pages.MOST_COUNTED),
        "unsealed_beyond": unsealed > pages.MOST_COUNTED,
        "lag_alarm": oldest_at is not None and timezone.now() - oldest_at > ALARM_AFTER,
        "filters": pages.filters(request, workspace),
        "clear_url": LEDGER if any(request.GET.get(name) for name in pages.FILTERS) else "",
    }
    return render(request, "audit/ledger.html", context)
