"""Teams, for owners of the workspace: who is in them, and what they may do with which objects."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.console.links import team_url
from workspaces.console.listing import page_of
from workspaces.console.people import owned_workspace
from workspaces.errors import InvalidInput, NotFound, StaleState
from workspaces.grants import grant_models, grants_of, objects_of, rights_on, target_of
from workspaces.models import Membership, Team, User
from workspaces.operations import teams

MOST: Final = 200
"""Objects offered in a choice, and rights shown of a kind; more are reached over the API."""


class TeamForm(forms.Form):
    """A new team."""

    name = forms.CharField(max_length=80, help_text="Such as Finance, Night shift.")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the teams; POST makes one."""
    workspace = owned_workspace(request)
    form = TeamForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                name = str(sanitise(form.cleaned_data["name"]))
                made = teams.create_team(workspace=workspace, name=name, by=person_of(request))
                return redirect(team_url(made.id))
            except (InvalidInput, StaleState) as error:
                form.add_error("name", f"{error.message} {error.hint}")
                status = error.http_status
    found, pager = page_of(request, Team.objects.filter(workspace=workspace).order_by("name", "id"))
    return render(request, "people/teams.html", {"teams": found, "pager": pager, "form": form}, status=status)


def team_or_404(request: HttpRequest, team_id: UUID) -> Team:
    """Return a team of the current workspace, for its owners."""
    found = Team.objects.filter(workspace=owned_workspace(request), pk=team_id).first()
    if found is None:
        raise NotFound("There is no such team here.", "Check the address and the workspace.")
    return found


@require_safe
def show(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """Show one team: its people, and its rights kind by kind."""
    team = team_or_404(request, team_id)
    found, pager = page_of(request, User.objects.filter(groups=team.group_id).order_by("name", "email"))
    context = {"team": team, "people": found, "pager": pager, "kinds": [_kind(team, kind) for kind in _kinds()]}
    return render(request, "people/team.html", context)


def _kinds() -> list[str]:
    return sorted(grant_models())


def _kind(team: Team, kind: str) -> dict[str, Any]:
    rows = grants_of(team, kind).order_by("content_object_id", "permission__codename")
    labels = dict(rights_on(kind))
    return {
        "kind": kind,
        "title": str(target_of(grant_models()[kind])._meta.verbose_name_plural).capitalize(),
        "grants": [
            {"row": row, "right": row.permission.codename, "label": labels.get(row.permission.codename, "")}
            for row in rows[:MOST]
        ],
        "objects": objects_of(team, kind).order_by("pk")[:MOST],
        "rights": labels.items(),
    }


@require_POST
def change_grant(request: HttpRequest, team_id: UUID, kind: str) -> HttpResponse:
    """Give the team a right on one object, or take it."""
    team = team_or_404(request, team_id)
    asked, right = request.POST.get("object", ""), request.POST.get("right", "")
    target = _object(team, kind, asked)
    if request.POST.get("do") == "revoke":
        teams.revoke(team=team, codename=right, target=target, by=person_of(request))
        messages.warning(request, f"{team.name} no longer has this right on {target}.")
    else:
        teams.grant(team=team, codename=right, target=target, by=person_of(request))
        messages.success(request, f"{team.name} has the right on {target} now.")
    return redirect(team_url(team.id))


def _object(team: Team, kind: str, asked: str) -> Any:
    try:
        found = objects_of(team, kind).filter(pk=UUID(asked)).first()
    except ValueError as error:
        raise NotFound("There is no such object here.", "Choose one of the list.") from error
    if found is None:
        raise NotFound("There is no such object here.", "Choose one of the list.")
    return found


@require_POST
def take_out(request: HttpRequest, team_id: UUID, user_id: UUID) -> HttpResponse:
    """Take a person or a service account out of the team."""
    team = team_or_404(request, team_id)
    place = Membership.objects.filter(workspace=team.workspace_id, user_id=user_id).select_related("user").first()
    if place is None:
        raise NotFound("There is no such person here.", "Check the address and the workspace.")
    teams.remove_from_team(team=team, user=place.user, by=person_of(request))
    messages.warning(request, f"{place.user} is no longer in {team.name}.")
    return redirect(team_url(team.id))
