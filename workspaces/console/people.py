"""The people of the workspace, for its owners: who they are, what they may do, and who is kept out."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from workspaces import resetting
from workspaces.access import check_owner
from workspaces.console.asking import person_of
from workspaces.console.links import PEOPLE, person_url
from workspaces.console.listing import page_of
from workspaces.errors import NotFound
from workspaces.models import Membership, Role, Team, User, Workspace
from workspaces.operations import factors as factor_operations
from workspaces.operations import people, teams
from workspaces.signin.factors import has_factor_of
from workspaces.tenancy import workspace_of

WHAT = "see and change its people"
MOST_TEAMS = 200
"""Teams offered in a choice; more are reached over the API."""


def owned_workspace(request: HttpRequest) -> Workspace:
    """Return the current workspace; raise ``Forbidden`` unless the person owns it."""
    workspace = workspace_of(request)
    check_owner(person_of(request), workspace, WHAT)
    return workspace


def member_or_404(request: HttpRequest, user_id: UUID) -> Membership:
    """Return somebody of the current workspace, for its owners; foreign and absent ids are alike."""
    rows = Membership.objects.people_in(owned_workspace(request)).annotate(has_factor=has_factor_of("user_id"))
    found: Membership | None = rows.filter(user_id=user_id).first()
    if found is None:
        raise NotFound("There is no such person here.", "Check the address and the workspace.")
    return found


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the people."""
    workspace = owned_workspace(request)
    rows = Membership.objects.people_in(workspace).annotate(has_factor=has_factor_of("user_id"))
    found, pager = page_of(request, rows.order_by("user__name", "user__email", "id"))
    return render(request, "people/people.html", {"people": found, "pager": pager, "workspace": workspace})


@require_safe
def show(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Show one person: role, teams, and the switches."""
    return render(request, "people/person.html", _page(request, member_or_404(request, user_id)))


def _page(request: HttpRequest, member: Membership) -> dict[str, Any]:
    mine = [group.team.id for group in getattr(member.user, "here", [])]
    others = Team.objects.filter(workspace=member.workspace_id).exclude(pk__in=mine).order_by("name")
    programs = User.objects.filter(owner=member.user, memberships__workspace=member.workspace_id).order_by("name")
    return {
        "member": member,
        "own": member.user_id == person_of(request).id,
        "roles": Role.choices,
        "others": others[:MOST_TEAMS],
        "programs": programs[:MOST_TEAMS],
    }


@require_POST
def change_role(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Give a person another role."""
    user = member_or_404(request, user_id).user
    role = request.POST.get("role", "")
    people.change_role(workspace=workspace_of(request), user=user, role=role, by=person_of(request))
    messages.success(request, f"{user} is now {Role(role).name.lower()} of the workspace.")
    return redirect(PEOPLE if user == person_of(request) and role != Role.OWNER else person_url(user.id))


@require_POST
def disable(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Keep a person out."""
    user = member_or_404(request, user_id).user
    people.disable_user(user=user, by=person_of(request))
    messages.warning(request, f"{user} is disabled: signed out everywhere, and their approvals no longer count.")
    return redirect(person_url(user.id))


@require_POST
def enable(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Let a disabled person in again."""
    user = member_or_404(request, user_id).user
    people.enable_user(user=user, by=person_of(request))
    messages.success(request, f"{user} may sign in again.")
    return redirect(person_url(user.id))


@require_POST
def reset_factor(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Take the second factor from somebody who lost it."""
    user = member_or_404(request, user_id).user
    resetting.reset(user=user, by=person_of(request))
    messages.warning(request, f"{user} signs in by password alone until they set up another second factor.")
    return redirect(person_url(user.id))


@require_POST
def unlock(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Let somebody try again who was locked out by wrong passwords or codes."""
    user = member_or_404(request, user_id).user
    factor_operations.unlock(user=user, by=person_of(request))
    messages.success(request, f"{user} may try to sign in again at once.")
    return redirect(person_url(user.id))


@require_POST
def require_factor(request: HttpRequest) -> HttpResponse:
    """Ask the people of the workspace for a second factor, or ask no more."""
    required = request.POST.get("required") == "yes"
    workspace = owned_workspace(request)
    factor_operations.require_factor(workspace=workspace, required=required, by=person_of(request))
    said = "is asked for a second factor now" if required else "may sign in without a second factor again"
    messages.success(request, f"Everybody of {workspace.name} {said}.")
    return redirect(PEOPLE)


@require_POST
def remove(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Take a person out of the workspace."""
    user = member_or_404(request, user_id).user
    people.remove_member(workspace=workspace_of(request), user=user, by=person_of(request))
    messages.warning(request, f"{user} no longer belongs to this workspace.")
    return redirect(PEOPLE)


@require_POST
def change_team(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Put a person into a team, or take them out of it."""
    member = member_or_404(request, user_id)
    team = team_named(request, member)
    if request.POST.get("do") == "remove":
        teams.remove_from_team(team=team, user=member.user, by=person_of(request))
        messages.warning(request, f"{member.user} is no longer in {team.name}.")
    else:
        teams.add_to_team(team=team, user=member.user, by=person_of(request))
        messages.success(request, f"{member.user} is in {team.name} now.")
    return redirect(person_url(member.user_id))


def team_named(request: HttpRequest, member: Membership) -> Team:
    """Return the team that the form names."""
    asked = request.POST.get("team", "")
    rows = Team.objects.filter(workspace=member.workspace_id)
    found = next((team for team in rows.order_by("name") if str(team.id) == asked), None)
    if found is None:
        raise NotFound("There is no such team here.", "Choose one of the list.")
    return found
