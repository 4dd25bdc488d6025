"""Who may enter by single sign-on: people who are here already, and people who were invited.

The first time, the issuer's verified e-mail says which account it is; from then on its own name for the person (the
subject) does, so that an address which passes to somebody else opens nothing. Nobody is let in for having an account
at the issuer alone.
"""

from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from workspaces.access import role_in
from workspaces.errors import Forbidden
from workspaces.models import Invitation, Role, User, Workspace
from workspaces.operations import invitations
from workspaces.operations.authority import note

ASK = "Ask an owner of your workspace to invite this address."
RESET = "Use the one that you signed on with first; an owner of your workspace can reset which one that is."


@dataclass(frozen=True, slots=True)
class Stated:
    """What the issuer says of whoever signs on; ``email`` is empty unless the issuer has verified it."""

    issuer: str
    subject: str
    email: str
    name: str


def admit(stated: Stated) -> User:
    """Return the person; raise ``Forbidden`` for whoever is not to enter."""
    linked = SocialAccount.objects.filter(provider=stated.issuer, uid=stated.subject).select_related("user").first()
    return _usable(linked.user) if linked else _link(stated)


def _usable(user: User) -> User:
    if user.is_service or not user.is_active:
        raise Forbidden("You may not sign in here.", "Ask an owner of your workspace.")
    return user


def _link(stated: Stated) -> User:
    if not stated.email:
        raise Forbidden("The issuer does not say that it has verified your e-mail address.", "Ask whoever runs it.")
    try:
        with transaction.atomic():
            user = _usable(User.objects.filter(email=stated.email).first() or _join(stated))
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            if SocialAccount.objects.filter(user=user, provider=stated.issuer).exists():
                raise Forbidden("This address signs on with another account of the issuer.", RESET)
            SocialAccount.objects.create(user=user, provider=stated.issuer, uid=stated.subject, extra_data={})
            for workspace in Workspace.objects.of(user).order_by("id"):
                note(workspace.id, user, "user.single_sign_on_linked", ("user", user.id))
    except IntegrityError as error:
        raise Forbidden("Somebody signed on with this account in the same moment.", "Try again.") from error
    return user


def _join(stated: Stated) -> User:
    """Make the account of somebody who was invited by e-mail: the issuer has reached them at that address."""
    rows: Any = Invitation.objects.waiting().timed().select_related("workspace", "invited_by")
    for invitation in rows.filter(email=stated.email, is_late=False).order_by("id"):
        if role_in(invitation.invited_by, invitation.workspace_id) == Role.OWNER:
            return invitations.accept_as_stated(invitation=invitation, name=stated.name)
    raise Forbidden(f"Nobody with the address {stated.email} belongs here.", ASK)


def unlink(user: User) -> bool:
    """Forget which account of an issuer a person signs on with; say whether there was one."""
    deleted, _ = SocialAccount.objects.filter(user_id=user.pk).delete()
    return bool(deleted)
