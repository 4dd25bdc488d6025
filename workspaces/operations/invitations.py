"""Inviting people by e-mail, and joining by the link in it.

The link carries the invitation's id and serial under the application's signature: it can be made by nobody else, and a
repeated invitation ends the links before it. Opening it changes nothing; only the form behind it joins. Whoever holds
it was reached at the address, which is all that makes them the person invited.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from workspaces.access import role_in
from workspaces.actors import Actor, System
from workspaces.database import ClockTimestamp
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.models import Invitation, Membership, Role, User, Workspace
from workspaces.operations.authority import lock, named, note, require_owner
from workspaces.operations.people import add_member

SALT = "workspaces.invitation"
JOINING = System("invitation")
WHAT = "invite people"
ASK = "Ask whoever invited you to send it again."


def link_text(invitation: Invitation) -> str:
    """Return the part of the link that stands for the invitation as it was last sent."""
    return signing.dumps([str(invitation.id), invitation.serial], salt=SALT)


def invite(*, workspace: Workspace, email: str, by: User, role: str = Role.MEMBER) -> Invitation:
    """Ask an address to join; raise ``StaleState`` where they belong already or an invitation waits."""
    require_owner(by, workspace, WHAT)
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        said = "This is no e-mail address."
        raise InvalidInput(said, "Correct it.", {"email": [said]}) from error
    if role not in Role.values:
        raise InvalidInput(f"{role} is no role.", f"Choose one of {', '.join(Role.values)}.")
    with transaction.atomic():
        lock(workspace)
        if Membership.objects.filter(workspace=workspace, user__email=address).exists():
            raise StaleState(f"{address} already belongs to {workspace.name}.", "Change their role instead.")
        if Invitation.objects.waiting().filter(workspace=workspace, email=address).exists():
            raise StaleState(f"{address} is invited already.", "Send that invitation again, or withdraw it.")
        made = Invitation.objects.create(
            workspace=workspace, email=address, role=role, invited_by=by, expires_at=_end()
        )
        note(workspace.id, by, "invitation.created", ("invitation", made.id), role=str(role))
    return made


def repeat(*, invitation: Invitation, by: User) -> Invitation:
    """Renew an invitation that waits, in the name of ``by``: its earlier links end, its time begins anew."""
    require_owner(by, invitation.workspace, WHAT)
    with transaction.atomic():
        changes = {"serial": F("serial") + 1, "expires_at": _end(), "invited_by": by, "sent_at": None}
        if not Invitation.objects.waiting().filter(pk=invitation.pk).update(**changes):
            raise StaleState("This invitation was accepted or withdrawn.", "Invite them anew if they are to join.")
        note(invitation.workspace_id, by, "invitation.repeated", ("invitation", invitation.id))
    return Invitation.objects.select_related("workspace", "invited_by").get(pk=invitation.pk)


def withdraw(*, invitation: Invitation, by: User) -> None:
    """End an invitation that waits: its links open nothing any more."""
    require_owner(by, invitation.workspace, WHAT)
    with transaction.atomic():
        if not Invitation.objects.waiting().filter(pk=invitation.pk).update(withdrawn_at=ClockTimestamp()):
            raise StaleState("This invitation was accepted or withdrawn before.")
        note(invitation.workspace_id, by, "invitation.withdrawn", ("invitation", invitation.id))
    invitation.refresh_from_db(fields=["withdrawn_at"])


def note_sent(*, invitation: Invitation, by: Actor) -> None:
    """Record that the mail server took the e-mail."""
    with transaction.atomic():
        sent = Invitation.objects.filter(pk=invitation.pk, serial=invitation.serial)
        if sent.update(sent_at=ClockTimestamp()):
            note(invitation.workspace_id, by, "invitation.sent", ("invitation", invitation.id))


def opened(text: str) -> Invitation:
    """Return the invitation that a link stands for, if it may still be accepted.

    Raise ``NotFound`` for a link that we did not make, ``StaleState`` with the reason for one that is over.
    """
    try:
        found_id, serial = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise NotFound("This link is not complete.", f"Copy the whole link from the e-mail. {ASK}") from error
    rows: Any = Invitation.objects.timed().select_related("workspace", "invited_by")
    found = rows.filter(pk=found_id).first()
    if found is None:
        raise NotFound("There is no such invitation any more.", ASK)
    if reason := _over(found, serial):
        raise StaleState(reason, ASK)
    if role_in(found.invited_by, found.workspace_id) != Role.OWNER:
        raise Forbidden("Whoever invited you may not do so any more.", "Ask an owner of the workspace.")
    invitation: Invitation = found
    return invitation


def _over(found: Any, serial: int) -> str:
    if found.accepted_at is not None:
        return "This invitation has been accepted already."
    if found.withdrawn_at is not None:
        return "This invitation was withdrawn."
    if found.serial != serial:
        return "A later e-mail has taken the place of this one."
    return "The time for this invitation has run out." if found.is_late else ""


def accept_as_new(*, link: str, name: str, password: str) -> User:
    """Make the account of somebody who has none, and let them in; raise ``InvalidInput`` by its field."""
    with transaction.atomic():
        invitation = _locked(link)
        if User.objects.filter(email=invitation.email).exists():
            raise StaleState(f"{invitation.email} has an account already.", "Sign in, and open the link again.")
        title = _title(name)
        try:
            validate_password(password, User(email=invitation.email, name=title))
        except ValidationError as error:
            raise InvalidInput("Choose another password.", fields={"password": list(error.messages)}) from error
        user = User.objects.create_user(invitation.email, password, name=title)
        _join(invitation, user)
    return user


def accept_as_stated(*, invitation: Invitation, name: str) -> User:
    """Make an account without a password for somebody whom a trusted issuer has reached at the invited address."""
    with transaction.atomic():
        link = link_text(invitation)
        found = _locked(link)
        user = User.objects.create_user(found.email, None, name=" ".join(name.split())[:120])
        _join(found, user)
    return user


def accept(*, link: str, by: User) -> Invitation:
    """Let somebody with an account in; the invitation is theirs alone."""
    with transaction.atomic():
        invitation = _locked(link)
        if by.is_service or not by.is_active or by.email != invitation.email:
            raise Forbidden("This invitation is for somebody else.", "Sign in with the address that it was sent to.")
        _join(invitation, by)
    return invitation


def _locked(link: str) -> Invitation:
    """Return the invitation, for this transaction alone: of two who accept at once the second finds it accepted."""
    lock(opened(link).workspace)
    return opened(link)


def _join(invitation: Invitation, user: User) -> None:
    add_member(workspace=invitation.workspace, user=user, role=invitation.role, by=JOINING)
    accepted = Invitation.objects.waiting().filter(pk=invitation.pk)
    if not accepted.update(accepted_at=ClockTimestamp(), accepted_by=user):
        raise StaleState("This invitation has been accepted already.", ASK)
    subject = ("invitation", invitation.id)
    note(invitation.workspace_id, user, "invitation.accepted", subject, invited_by=invitation.invited_by_id)


def _title(name: str) -> str:
    try:
        return named(name, "name", 120)
    except InvalidInput as error:
        raise InvalidInput(error.message, error.hint, {"name": [f"{error.message} {error.hint}"]}) from error


def _end() -> Any:
    return timezone.now() + timedelta(hours=settings.INVITATION_HOURS)
