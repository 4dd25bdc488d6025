"""Wrapping every stored secret anew by the newest encryption key, so that an older key can be given up.

A model whose fields are envelopes says so: ``SEALED`` maps each field to the context it is bound to. The secrets stay
what they are, so that no version grows and nothing that was decided on moves.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from workspaces.actors import Actor
from workspaces.crypto import Unreadable, decrypt, encrypt, key_of, newest_key
from workspaces.models import Workspace
from workspaces.operations.authority import note
from workspaces.signin import sealing


@dataclass
class Rotation:
    """How many secrets each key wrapped before, how many were wrapped anew, and which ones do not open."""

    keys: Counter[str] = field(default_factory=Counter)
    renewed: int = 0
    unreadable: list[str] = field(default_factory=list)


def rotate_secrets(*, by: Actor, only_look: bool = False) -> Rotation:
    """Wrap anew what another key than the newest wraps; ``only_look`` counts and changes nothing.

    Each row is a transaction of its own, with its event: interrupted, it goes on where it was. What does not open is
    left as it is. Raise :class:`~workspaces.crypto.Unreadable` where no key is configured.
    """
    newest = newest_key()
    done = Rotation()
    for model in sealed_models():
        for key in list(model._default_manager.order_by("pk").values_list("pk", flat=True)):
            _rotate(model, key, newest, done, by=by, only_look=only_look)
    for key in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        _rotate_factor(key, newest, done, by=by, only_look=only_look)
    return done


def _rotate_factor(key: Any, newest: str, done: Rotation, *, by: Actor, only_look: bool) -> None:
    """Wrap anew the secrets of one second factor, which django-allauth keeps as text in a JSON column."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update(no_key=True).filter(pk=key).first()
        if row is None:
            return
        done.keys.update(key_of(sealing.envelope(row.data[name])) for name in sealing.NAMES if name in row.data)
        if only_look:
            return
        try:
            fresh = sealing.rewrapped(row, newest)
        except Unreadable as error:
            done.unreadable.append(f"second factor {row.pk}: {error}")
            return
        if not fresh:
            return
        row.data |= fresh
        row.save(update_fields=["data"])
        done.renewed += len(fresh)
        for workspace in Workspace.objects.of(row.user).order_by("id"):
            subject = ("user", row.user_id)
            note(workspace.id, by, "user.second_factor_rewrapped", subject, key=newest, secrets=len(fresh))


def sealed_models() -> Iterator[type[models.Model]]:
    """Yield the models that keep secrets."""
    return (model for model in apps.get_models() if hasattr(model, "SEALED"))


def _rotate(model: type[models.Model], key: Any, newest: str, done: Rotation, *, by: Actor, only_look: bool) -> None:
    with transaction.atomic():
        row: Any = model._default_manager.select_for_update(no_key=True).filter(pk=key).first()
        found = {name: bytes(value) for name in row.SEALED if (value := getattr(row, name)) is not None} if row else {}
        done.keys.update(key_of(envelope) for envelope in found.values())
        old = {name: envelope for name, envelope in found.items() if key_of(envelope) != newest}
        if not old or only_look:
            return
        what = next(iter(row.SEALED.values())).partition(":")[0]
        try:
            fresh = {name: _wrapped(old[name], row.SEALED[name].format(id=row.pk)) for name in old}
        except Unreadable as error:
            done.unreadable.append(f"{what} {row.pk}: {error}")
            return
        model._default_manager.filter(pk=key).update(**fresh)
        done.renewed += len(fresh)
        note(row.workspace_id, by, f"{what}.rewrapped", (what, row.pk), key=newest, secrets=len(fresh))


def _wrapped(envelope: bytes, context: str) -> bytes:
    return encrypt(decrypt(envelope, context=context), context=context)
