"""Sending invitations: the row first, then the e-mail, so that what could not be sent is there to be sent again."""

import logging
from collections.abc import Callable
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from workspaces.database import release_connection
from workspaces.errors import Unavailable
from workspaces.models import Invitation, Role, User, Workspace
from workspaces.operations import invitations

log = logging.getLogger(__name__)

Address = Callable[[str], str]
"""Makes the whole address of a link out of the part that stands for the invitation."""


def invite(*, workspace: Workspace, email: str, by: User, address: Address, role: str = Role.MEMBER) -> Invitation:
    """Invite somebody and send the e-mail; raise ``Unavailable`` where it could not be sent, which leaves the row."""
    check_mail()
    made = invitations.invite(workspace=workspace, email=email, role=role, by=by)
    return _send(made, by, address)


def repeat(*, invitation: Invitation, by: User, address: Address) -> Invitation:
    """Send an invitation again, by a new link; errors are those of :func:`invite`."""
    check_mail()
    return _send(invitations.repeat(invitation=invitation, by=by), by, address)


def check_mail() -> None:
    """Raise ``Unavailable`` where no mail server is set."""
    if not settings.EMAIL_HOST:
        raise Unavailable("No mail server is set, so nobody can be invited.", "Whoever runs this sets EMAIL_HOST.")


def _send(invitation: Invitation, by: User, address: Address) -> Invitation:
    place = {
        "workspace": invitation.workspace.name,
        "person": str(by),
        "link": address(invitations.link_text(invitation)),
        "hours": settings.INVITATION_HOURS,
    }
    message = EmailMessage(
        subject=" ".join(f"{by} invites you to {invitation.workspace.name}".split()),
        body=render_to_string("people/invitation.txt", place),
        to=[invitation.email],
    )
    release_connection()
    try:
        message.send()
    except (OSError, SMTPException) as error:
        log.warning("An invitation could not be sent: %s", type(error).__name__)
        raise Unavailable(
            f"The invitation of {invitation.email} could not be sent: the mail server did not take it.",
            "It is kept: send it again later, or withdraw it.",
        ) from error
    invitations.note_sent(invitation=invitation, by=by)
    invitation.refresh_from_db(fields=["sent_at"])
    return invitation
