"""Service accounts and the API keys by which they reach Countersign.

A key reads ``cs_<prefix>_<secret>``: the prefix finds the row, the secret is 256 random bits. Only the SHA-256 of the
whole text is stored; a slow hash would protect guessable secrets, and this one is not guessable.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from workspaces.actors import Actor, System
from workspaces.database import ClockTimestamp
from workspaces.errors import InvalidInput, InvalidKey, NotFound, StaleState
from workspaces.models import ApiKey, KeyScope, Membership, Role, User, Workspace
from workspaces.operations.authority import is_member, lock, named, note, require_owner

FORM = re.compile(r"cs_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
ASK = "Ask an owner of the workspace for a new key."
A_MINUTE = timedelta(minutes=1)


class IssuedKey(NamedTuple):
    """A new key's row, and its text, which is known only now."""

    key: ApiKey
    text: str


def create_service_account(*, workspace: Workspace, name: str, owner: User, by: Actor) -> User:
    """Create an account for a program, for which the person ``owner`` answers; it has no rights until granted some."""
    require_owner(by, workspace, "create service accounts")
    if owner.is_service or not is_member(owner, workspace):
        raise InvalidInput("A service account is answered for by a person of the workspace.", "Name another owner.")
    title = named(name, "name", 80)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", title):
        raise InvalidInput("The name is made of letters, digits, dots, hyphens and underscores.", "Rename it.")
    with transaction.atomic():
        account = User.objects.create_service(name=title, owner=owner)
        Membership.objects.create(workspace=workspace, user=account, role=Role.MEMBER)
        note(workspace.id, by, "service_account.created", ("user", account.id), owner=owner.id)
    return account


def issue_key(
    *,
    workspace: Workspace,
    account: User,
    name: str,
    by: Actor,
    scopes: Iterable[str] | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key of a service account; for its owner and for owners of the workspace. Its text is never shown again.

    ``scopes`` narrow what it may be used for; without any it may do whatever the account may. It ends at
    ``expires_at``, else after ``API_KEY_DAYS``; raise ``InvalidInput`` for a time that is past or too far away.
    """
    _check_keeper(workspace, account, by)
    label, narrowed, end = named(name, "name", 80), _scopes(scopes), _end(expires_at)
    maker = account.owner if isinstance(by, System) else by
    if maker is None:
        raise InvalidInput("Keys belong to service accounts.", "Create a service account first.")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    text = f"cs_{prefix}_{secret}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            workspace=workspace,
            user=account,
            name=label,
            prefix=prefix,
            hash=_hash(text),
            scopes=narrowed,
            created_by=maker,
            expires_at=end,
        )
        subject = ("api_key", key.id)
        note(workspace.id, by, "api_key.issued", subject, account=account.id, expires_at=end, scopes=narrowed)
    return IssuedKey(key, text)


def _scopes(asked: Iterable[str] | None) -> list[str]:
    """Return the scopes in their usual order, each once."""
    wanted = set(KeyScope.values) if asked is None else set(asked)
    unknown = sorted(wanted - set(KeyScope.values))
    if unknown or not wanted:
        wrong = f"{unknown[0]} is no scope." if unknown else "A key without any scope opens nothing."
        choice = f"Choose from {', '.join(KeyScope.values)}."
        raise InvalidInput(wrong, choice, {"scopes": [f"{wrong} {choice}"]})
    return [scope for scope in KeyScope.values if scope in wanted]


def _end(asked: datetime | None) -> datetime:
    """Return when a key that is made now ends."""
    now = timezone.now()
    longest = timedelta(days=settings.API_KEY_MAX_DAYS)
    if asked is None:
        return now + min(timedelta(days=settings.API_KEY_DAYS), longest)
    if asked <= now:
        raise _wrong_end("The key would have expired already.", "Choose a time to come.")
    if asked > now + longest:
        raise _wrong_end(f"A key lives {longest.days} days at most.", "Choose an earlier time; make a new key later.")
    return asked


def _wrong_end(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint, {"expires_at": [f"{message} {hint}"]})


def revoke_key(*, key: ApiKey, by: Actor) -> None:
    """Make a key useless from the next request on; raise ``StaleState`` where it was revoked before."""
    _check_keeper(key.workspace, key.user, by)
    with transaction.atomic():
        lock(key.workspace)
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=ClockTimestamp()):
            raise StaleState("This key was revoked before.")
        note(key.workspace_id, by, "api_key.revoked", ("api_key", key.id), account=key.user_id)
    key.refresh_from_db(fields=["revoked_at"])


def authenticate(text: str) -> ApiKey:
    """Return the live key that reads ``text``, with its account and workspace; raise ``InvalidKey`` with the reason.

    A wrong prefix and a wrong secret are answered alike, and the reason is told only to whoever holds the secret.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise InvalidKey("This is no API key.", f"A key reads cs_…_… and is sent as Authorization: Bearer. {ASK}")
    key = _found(form[1])
    if not hmac.compare_digest(key.hash if key else "", _hash(text)) or key is None:
        raise InvalidKey("This API key is wrong.", ASK)
    if reason := _reason_against(key):
        raise InvalidKey(reason, ASK)
    rows = ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=ClockTimestamp() - A_MINUTE), pk=key.pk)
    rows.update(last_used_at=ClockTimestamp())
    return key


def _found(prefix: str) -> ApiKey | None:
    places = Membership.objects.filter(workspace=OuterRef("workspace"))
    key: ApiKey | None = (
        ApiKey.objects.select_related("user__owner", "workspace")
        .annotate(
            is_expired=Coalesce(Q(expires_at__lte=ClockTimestamp()), Value(False)),
            account_belongs=Exists(places.filter(user=OuterRef("user"))),
            owner_belongs=Exists(places.filter(user=OuterRef("user__owner"))),
        )
        .filter(prefix=prefix)
        .first()
    )
    return key


def _reason_against(key: Any) -> str:
    if key.revoked_at is not None:
        return "This API key was revoked."
    if key.is_expired:
        return "This API key has expired."
    if not key.user.is_active or not key.account_belongs:
        return "The service account of this API key is disabled."
    if key.user.owner is None or not key.user.owner.is_active or not key.owner_belongs:
        return "Nobody answers for this API key any more: its service account's owner is disabled or has left."
    return ""


def _check_keeper(workspace: Workspace, account: User, by: Actor) -> None:
    if not account.is_service or not is_member(account, workspace):
        raise NotFound(f"There is no such service account in {workspace.name}.")
    if isinstance(by, User) and by.id == account.owner_id and is_member(by, workspace):
        return
    require_owner(by, workspace, "manage the keys of other people's service accounts")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
