"""Second factors: a person sets up and removes their own, an owner resets somebody's, a workspace asks for them.

A person belongs to several workspaces and has one second factor, so each of them gets the event. What a change is worth
is carried by the sessions: every one that did not see the change is over.
"""

from django.db import IntegrityError, transaction
from django.db.models import F

from workspaces.actors import Actor
from workspaces.errors import Forbidden, InvalidInput, StaleState
from workspaces.models import User, Workspace
from workspaces.operations.authority import lock, note, require_owner
from workspaces.operations.people import governed
from workspaces.operations.signing_on import unlink
from workspaces.signin import factors, lockout

WRONG = "This code is wrong, or was used before."
NEXT = "Wait until the app shows the next one."


def set_up_factor(*, user: User, secret: str, code: str, by: User) -> list[str]:
    """Store a second factor whose app shows ``code`` now; return the recovery codes, which are shown this once.

    Raise ``InvalidInput`` for a wrong code, ``StaleState`` where there is a second factor already.
    """
    if by != user:
        raise Forbidden("A second factor is set up by the person it belongs to.", "Ask them to do it.")
    counter = factors.counter_of(secret, code)
    if not counter:
        raise InvalidInput(WRONG, NEXT, {"code": [f"{WRONG} {NEXT}"]})
    with transaction.atomic():
        if factors.has_factor(user):
            raise _twice()
        try:
            with transaction.atomic():
                codes = factors.keep(user, secret, counter)
        except IntegrityError as error:
            raise _twice() from error
        _end_sessions(user)
        _note(user, by, "user.second_factor_set_up")
    return codes


def _twice() -> StaleState:
    return StaleState("You have a second factor already.", "Remove it first, if it is to be another one.")


def renew_codes(*, user: User, code: str, by: User) -> list[str]:
    """Put new recovery codes in the place of the old ones; needs ``code`` of the factor itself."""
    with transaction.atomic():
        _spend(user, code, by)
        codes = factors.renew_codes(user)
        _note(user, by, "user.recovery_codes_renewed")
    return codes


def remove_factor(*, user: User, code: str, by: User) -> None:
    """Remove one's own second factor; needs a code of it. A workspace that asks for one keeps it."""
    if factors.is_asked(user):
        raise Forbidden(
            "A workspace of yours asks its people for a second factor.", "An owner of it can reset yours for another."
        )
    with transaction.atomic():
        _spend(user, code, by)
        factors.forget(user)
        _end_sessions(user)
        _note(user, by, "user.second_factor_removed")


def reset_factor(*, user: User, by: Actor) -> None:
    """Take the second factor from somebody who lost it, and the link to the issuer's account; their sessions are over.

    Allowed to whoever owns every workspace that the person belongs to, and not for oneself.
    """
    if by == user:
        raise Forbidden("Your own second factor you remove under Sign-in.", "That asks for a code of it.")
    with transaction.atomic():
        workspaces = governed(user, by, "let in")
        lockout.let_in_again(user)
        if not any([factors.forget(user), unlink(user)]):
            raise StaleState(f"{user} has no second factor, and signs on with no account of the issuer.")
        _end_sessions(user)
        for workspace in workspaces:
            note(workspace.id, by, "user.second_factor_reset", ("user", user.id))


def unlock(*, user: User, by: Actor) -> None:
    """Forget the wrong passwords and codes that were counted against somebody, so that they may try again now."""
    with transaction.atomic():
        workspaces = governed(user, by, "let in")
        lockout.let_in_again(user)
        for workspace in workspaces:
            note(workspace.id, by, "user.unlocked", ("user", user.id))


def require_factor(*, workspace: Workspace, required: bool, by: User) -> Workspace:
    """Let a workspace ask its people for a second factor, or ask no more; whoever switches it on has one."""
    require_owner(by, workspace, "say how its people sign in")
    if required and not factors.has_factor(by):
        hint = "Set it up first, under Sign-in: you would be the first who is kept out."
        raise Forbidden("You have no second factor yourself.", hint)
    with transaction.atomic():
        lock(workspace)
        changed = Workspace.objects.filter(pk=workspace.pk, second_factor_required=not required)
        if not changed.update(second_factor_required=required):
            raise StaleState("It is so already.")
        workspace.second_factor_required = required
        verb = "workspace.second_factor_required" if required else "workspace.second_factor_optional"
        note(workspace.id, by, verb, ("workspace", workspace.id))
    return workspace


def _spend(user: User, code: str, by: User) -> None:
    if by != user:
        raise Forbidden("A second factor is changed by the person it belongs to.", "Ask them to do it.")
    if not factors.spend(user, code):
        raise InvalidInput(WRONG, NEXT, {"code": [f"{WRONG} {NEXT}"]})


def _end_sessions(user: User) -> None:
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])


def _note(user: User, by: Actor, verb: str) -> None:
    for workspace in Workspace.objects.of(user).order_by("id"):
        note(workspace.id, by, verb, ("user", user.id))
