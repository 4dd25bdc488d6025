"""What the ledger stores: events, the seals over them, and the epochs of transaction ids.

Rows are only ever added: triggers of the first migration refuse UPDATE, DELETE and TRUNCATE, whoever asks.
An event's place is (epoch, txid, sequence), because a sequence alone is not commit order.
"""

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import BigIntegerField, Func, IntegerField, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import Exact, LessThanOrEqual
from uuid_utils.compat import uuid7 as _uuid7

ACTOR_PATTERN = r"^((user|service|run):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|system:[a-z0-9_.-]{1,60})$"
VERB_PATTERN = r"^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$"
ACTOR_SHAPE = r"^((user|service|run):[0-9a-f]+(-[0-9a-f]+)+|system:[a-z0-9_.-]+)$"
HEX_SHAPE = r"^[0-9a-f]*$"
"""What the database holds to be true of every row. ``record`` is stricter about actors: PostgreSQL takes ten times as
long for a pattern that counts characters, so that here the length is a condition of its own."""


def new_id() -> UUID:
    """Return a new UUIDv7 as the standard library's type (the cellar borrows nothing from the floor above)."""
    return UUID(int=_uuid7().int)


class Event(models.Model):
    """One line of the ledger: who did what to which object. The digest covers everything but the place."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField(editable=False)
    epoch = models.IntegerField(
        db_default=Func(template="ledger_current_epoch()", output_field=IntegerField()), editable=False
    )
    txid = models.BigIntegerField(
        db_default=Func(template="pg_current_xact_id()::text::bigint", output_field=BigIntegerField()), editable=False
    )
    sequence = models.BigIntegerField(
        unique=True,
        db_default=Func(template="nextval('ledger_event_sequence')", output_field=BigIntegerField()),
        editable=False,
    )
    at = models.DateTimeField(editable=False)
    actor = models.TextField(editable=False)
    verb = models.TextField(editable=False)
    subject_type = models.TextField(editable=False)
    subject_id = models.TextField(editable=False)
    body = models.JSONField(editable=False)
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "subject_type", "subject_id"], name="ledger_event_subject"),
            models.Index(fields=["workspace_id", "epoch", "txid", "sequence"], name="ledger_event_place"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(actor__regex=ACTOR_SHAPE) & Q(LessThanOrEqual(Length("actor"), 67)),
                name="ledger_event_actor_form",
            ),
            models.CheckConstraint(condition=Q(verb__regex=VERB_PATTERN), name="ledger_event_verb_form"),
            models.CheckConstraint(
                condition=Q(digest__regex=HEX_SHAPE) & Q(Exact(Length("digest"), 64)), name="ledger_event_digest_form"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.subject_type}:{self.subject_id}"


class Seal(models.Model):
    """A signed Merkle root over the next events of one workspace; each names the digest of the one before."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField(editable=False)
    number = models.PositiveIntegerField(editable=False)
    epoch = models.IntegerField(editable=False)
    first_txid = models.BigIntegerField(editable=False)
    first_sequence = models.BigIntegerField(editable=False)
    last_txid = models.BigIntegerField(editable=False)
    last_sequence = models.BigIntegerField(editable=False)
    event_count = models.PositiveIntegerField(editable=False)
    merkle_root = models.CharField(max_length=64, editable=False)
    previous = models.CharField(max_length=64, editable=False)
    at = models.DateTimeField(editable=False)
    key_id = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    signature = models.TextField(editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "number"], name="ledger_seal_number"),
            models.CheckConstraint(condition=Q(event_count__gte=1), name="ledger_seal_not_empty"),
        ]

    def __str__(self) -> str:
        return f"seal {self.number} of {self.workspace_id}"


class Epoch(models.Model):
    """A stretch of comparable transaction ids; a restore into a new cluster begins the next one."""

    number = models.IntegerField(primary_key=True, editable=False)
    cluster = models.BigIntegerField(editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"epoch {self.number}"
