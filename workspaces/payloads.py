"""Large bodies, stored once a workspace under their digest, and read as if they stood where they belong.

A JSON object in a :class:`BodyField` is written as :func:`keep` returns it: each of its values of more than 64 kB
stands in a payload, and a reference in its place. Reading puts them back, so that whoever reads knows nothing of it.
Objects without large values are written as they are, by no further statement.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models.expressions import Col

from workspaces.ids import uuid7
from workspaces.models.payload import Payload, PayloadUse

LARGE: Final = 64_000
"""Bytes of a value's JSON above which it is stored apart."""
MARK: Final = "$payload"
STORE: Final = """
WITH payload AS (
    INSERT INTO workspaces_payload (id, workspace_id, digest, size, body, kept_at)
    VALUES (%(id)s, %(workspace)s, %(digest)s, %(size)s, %(body)s::jsonb, clock_timestamp())
    ON CONFLICT (workspace_id, digest) DO UPDATE SET kept_at = EXCLUDED.kept_at
    RETURNING id
), used AS (
    INSERT INTO workspaces_payloaduse (id, workspace_id, payload_id, owner_id)
    SELECT %(use)s, %(workspace)s, payload.id, %(owner)s FROM payload
    ON CONFLICT (owner_id, payload_id) DO NOTHING
)
SELECT id FROM payload
"""
DROP: Final = """
DELETE FROM workspaces_payload payload WHERE id = ANY(%s)
    AND NOT EXISTS (SELECT FROM workspaces_payloaduse one WHERE one.payload_id = payload.id)
"""


class Reference(dict[str, str]):
    """What stands in place of a value that is stored apart; nothing else is written as one."""


class BodyField(models.JSONField):
    """A JSON object of which large values stand in payloads. Read whole; written as :func:`keep` returned it.

    A value that merely looks like a reference is written as its text: nobody outside names a payload.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Return the object as it is written."""
        if not isinstance(value, dict) or not any(_looks_like_reference(one) for one in value.values()):
            return super().get_prep_value(value)
        return super().get_prep_value({name: _plain(one) for name, one in value.items()})

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the object with what its references stand for."""
        found = super().from_db_value(value, expression, connection)
        return _whole(found) if isinstance(expression, Col) and isinstance(found, dict) else found


def keep(body: Any, *, workspace_id: UUID, owner_id: UUID, only: Collection[str] | None = None) -> Any:
    """Return a JSON object as a :class:`BodyField` is written; what is stored apart is used by ``owner_id``.

    ``only`` names the values that may be, where the database looks into others. Call it in the transaction that writes
    the object.
    """
    if not isinstance(body, dict):
        return body
    apart = body.keys() if only is None else only
    return {name: _kept(value, workspace_id, owner_id) if name in apart else value for name, value in body.items()}


def _kept(value: Any, workspace_id: UUID, owner_id: UUID) -> Any:
    """Return a value, or a reference to it where it is large, or might be taken for a reference."""
    if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < LARGE // 6):
        return value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
    if len(text) <= LARGE and not _looks_like_reference(value):
        return value
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A large body is stored in the transaction that refers to it.")
    ours = {"id": uuid7(), "use": uuid7(), "workspace": workspace_id, "owner": owner_id}
    said: dict[str, str | int] = {"digest": hashlib.sha256(text).hexdigest(), "size": len(text), "body": text.decode()}
    with connection.cursor() as cursor:
        cursor.execute(STORE, {**ours, **said})
        return Reference({MARK: str(cursor.fetchone()[0])})


def _looks_like_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {MARK}


def _plain(value: Any) -> Any:
    return json.dumps(value) if _looks_like_reference(value) and not isinstance(value, Reference) else value


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    """Return the object with what its references stand for; None in place of what is gone."""
    named = {name: value[MARK] for name, value in body.items() if _looks_like_reference(value)}
    if not named:
        return body
    found = {str(one): value for one, value in Payload.objects.filter(pk__in=named.values()).values_list("id", "body")}
    return {**body, **{name: found.get(one) for name, one in named.items()}}


def let_go(owners: Collection[UUID], still: Iterable[UUID] = ()) -> int:
    """Forget that ``owners`` use payloads, but for those that they ``still`` refer to; delete those that nobody uses.

    Return how many were deleted. Whoever stores the same body at the same moment waits for the row's lock, and then
    either keeps the row, which is then found in use, or stores a new one. Call it in a transaction.
    """
    uses = PayloadUse.objects.filter(owner_id__in=owners).exclude(payload_id__in=list(still))
    ids = sorted(uses.values_list("payload_id", flat=True))
    if not ids:
        return 0
    uses.delete()
    list(Payload.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    with connection.cursor() as cursor:
        cursor.execute(DROP, [ids])
        return int(cursor.rowcount)
