"""Invitations: owners send, repeat and withdraw them; whoever was invited joins by the link."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import inviting
from workspaces.canonical import sanitise
from workspaces.console.asking import person_of
from workspaces.console.links import INBOX
from workspaces.console.listing import page_of
from workspaces.console.people import owned_workspace
from workspaces.errors import DomainError, InvalidInput, NotFound, StaleState, Unavailable
from workspaces.models import Invitation, Role, User
from workspaces.operations import invitations
from workspaces.tenancy import CHOSEN

PLACE = "people:invitations"


class InvitationForm(forms.Form):
    """Who is asked to join, and as what."""

    email = forms.CharField(label="E-mail", max_length=254, widget=forms.EmailInput)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)


class JoiningForm(forms.Form):
    """The account of somebody who joins."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        strip=False,
        help_text="Twelve characters or more.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the invitations that wait; POST invites somebody."""
    workspace = owned_workspace(request)
    form, status = InvitationForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        try:
            return _invite(request, form)
        except (InvalidInput, StaleState, Unavailable) as error:
            _say(form, error)
            status = error.http_status
    rows = Invitation.objects.waiting().timed().filter(workspace=workspace).select_related("invited_by")
    found, pager = page_of(request, rows.order_by("-id"))
    context = {"invitations": found, "pager": pager, "form": form}
    return render(request, "people/invitations.html", context, status=status)


def _invite(request: HttpRequest, form: forms.Form) -> HttpResponse:
    if not form.is_valid():
        raise InvalidInput("These fields cannot be used.")
    email, role = str(sanitise(form.cleaned_data["email"])), form.cleaned_data["role"]
    made = inviting.invite(
        workspace=owned_workspace(request), email=email, role=role, by=person_of(request), address=_address(request)
    )
    messages.success(request, f"{made.email} is invited.")
    return redirect(PLACE)


def _say(form: forms.Form, error: DomainError) -> None:
    """Say in the form what was refused, beside its field where it has one."""
    fields = getattr(error, "fields", {})
    for name, sentences in fields.items():
        form.add_error(name if name in form.fields else None, sentences)
    if not form.errors:
        form.add_error(None, f"{error.message} {error.hint}".strip())


def _address(request: HttpRequest) -> inviting.Address:
    return lambda text: request.build_absolute_uri(reverse("people:join", args=[text]))


def _found(request: HttpRequest, invitation_id: UUID) -> Invitation:
    rows = Invitation.objects.filter(workspace=owned_workspace(request)).select_related("workspace", "invited_by")
    found = rows.filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation here.", "Check the address and the workspace.")
    return found


@require_POST
def repeat(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send an invitation again."""
    found = _found(request, invitation_id)
    inviting.repeat(invitation=found, by=person_of(request), address=_address(request))
    messages.success(request, f"{found.email} was sent a new link; the one before opens nothing any more.")
    return redirect(PLACE)


@require_POST
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End an invitation."""
    found = _found(request, invitation_id)
    invitations.withdraw(invitation=found, by=person_of(request))
    messages.warning(request, f"The invitation of {found.email} is withdrawn.")
    return redirect(PLACE)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, text: str) -> HttpResponse:
    """Show what the link is for; POST joins, with a new account or the one that is signed in."""
    invitation = invitations.opened(text)
    known = User.objects.filter(email=invitation.email).exists()
    if request.method == "POST" and known:
        return _join_signed_in(request, text)
    form = JoiningForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        try:
            return _join_as_new(request, text, form)
        except InvalidInput as error:
            _say(form, error)
            status = error.http_status
    return render(request, "people/join.html", _joining(request, invitation, known, form), status=status)


def _joining(request: HttpRequest, invitation: Invitation, known: bool, form: forms.Form) -> dict[str, Any]:
    mine = isinstance(request.user, User) and request.user.email == invitation.email
    return {
        "invitation": invitation,
        "form": form,
        "known": known,
        "mine": mine,
        "other": request.user if request.user.is_authenticated and not mine else None,
        "sign_in_url": f"{reverse('console:sign-in')}?next={request.path}",
        "frame": None,
    }


def _join_signed_in(request: HttpRequest, text: str) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect(f"{reverse('console:sign-in')}?next={request.path}")
    joined = invitations.accept(link=text, by=request.user)
    return _welcome(request, joined.workspace_id, joined.workspace.name)


def _join_as_new(request: HttpRequest, text: str, form: forms.Form) -> HttpResponse:
    if not form.is_valid():
        raise InvalidInput("These fields cannot be used.")
    workspace = invitations.opened(text).workspace
    name, password = str(sanitise(form.cleaned_data["name"])), form.cleaned_data["password"]
    user = invitations.accept_as_new(link=text, name=name, password=password)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return _welcome(request, workspace.id, workspace.name)


def _welcome(request: HttpRequest, workspace_id: UUID, name: str) -> HttpResponse:
    request.session[CHOSEN] = str(workspace_id)
    messages.success(request, f"You belong to {name} now.")
    return redirect(INBOX)
