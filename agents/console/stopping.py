"""Pausing and releasing from any page: a refused form comes back with its sentence and with what was typed."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from agents.operations.pausing import pause_scope, release_pause
from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.console.once import FIELD, once
from workspaces.errors import InvalidInput, NotFound, StaleState
from workspaces.models import Pause, ScopeKind
from workspaces.tenancy import workspace_of


def stop(request: HttpRequest, kind: str, scope_id: UUID, *, back: str, said: str) -> HttpResponse:
    """Pause one scope of the current workspace for the form's reason, say ``said`` and lead ``back``.

    ``reason`` says why, ``repair_allowed`` lets rollbacks go on. What cannot be paused so is asked for again.
    """

    def pause() -> str:
        pause_scope(
            workspace=workspace_of(request),
            scope_kind=kind,
            scope_id=scope_id,
            reason=str(sanitise(request.POST.get("reason", ""))),
            allows_repair=_repair(request),
            by=person_of(request),
        )
        return back

    try:
        led_to = once(request, pause)
    except (InvalidInput, StaleState) as refusal:
        if kind not in ScopeKind.values:
            raise
        return _asked_again(request, kind, back, refusal)
    messages.warning(request, said)
    return redirect(led_to)


def _repair(request: HttpRequest) -> bool:
    return request.POST.get("repair_allowed") == "true"


def _asked_again(request: HttpRequest, kind: str, back: str, refusal: InvalidInput | StaleState) -> HttpResponse:
    answer = {
        "refused": f"{refusal.message} {refusal.hint}".strip(),
        "typed": request.POST.get("reason", ""),
        "no_repair": not _repair(request),
        "key": request.POST.get(FIELD, ""),
    }
    whole = kind == ScopeKind.WORKSPACE
    context = {"url": request.path, "back": back, "what": f"this {kind}", "whole": whole, "attempt": answer}
    return render(request, "workspaces/pause_refused.html", context, status=refusal.http_status)


def let_go(request: HttpRequest, scope_id: UUID, *, back: str, said: str) -> HttpResponse:
    """Release the live pause over exactly this scope, say ``said`` and lead ``back``."""

    def release() -> str:
        live = Pause.objects.live().filter(workspace=workspace_of(request), scope_id=scope_id)
        found = live.select_related("workspace").first()
        if found is None:
            raise NotFound("Nothing is paused here any more.", "Somebody released it before you.")
        release_pause(pause=found, by=person_of(request))
        return back

    led_to = once(request, release)
    messages.success(request, said)
    return redirect(led_to)
