"""Resetting somebody's second factor, and telling them: whoever did not ask for it should know at once."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from workspaces.actors import Actor, System
from workspaces.database import release_connection
from workspaces.models import User
from workspaces.operations.factors import reset_factor

log = logging.getLogger(__name__)


def reset(*, user: User, by: Actor) -> bool:
    """Reset it and send the notice; say whether the mail server took that. The reset stands either way."""
    reset_factor(user=user, by=by)
    if not settings.EMAIL_HOST:
        return False
    who = "Whoever runs this installation" if isinstance(by, System) else str(by)
    message = EmailMessage(
        subject="Your second factor was reset",
        body=render_to_string("people/factor_reset.txt", {"who": who}),
        to=[user.email],
    )
    release_connection()
    try:
        message.send()
    except (OSError, SMTPException) as error:
        log.warning("The notice of a reset second factor could not be sent: %s", type(error).__name__)
        return False
    return True
