"""A POST that is sent again is answered again, and done once (draft-ietf-httpapi-idempotency-key-header).

The answer is stored in the transaction that makes the change, so a crash leaves both or neither: a repeat then finds
the answer, or does what was never done. A refused POST changes nothing and is not stored; its repeat is judged anew.
While the first is under way, a lock that ends with its transaction keeps the second out.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.canonical import digest
from workspaces.errors import InvalidInput, Malformed, StaleState
from workspaces.models import IdempotencyRecord, Workspace

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255


class KeyInUse(StaleState):
    """The first request with this key is still being worked on."""

    code = "idempotency_key_in_use"


class KeyReused(InvalidInput):
    """The key was used before for something else."""

    code = "idempotency_key_reused"


def once(
    request: Request, workspace: Workspace, perform: Callable[[], Response], *, required: bool = False
) -> Response:
    """Return what ``perform`` answers, or the stored answer where this caller sent the same with this key before.

    Raise ``Malformed`` (400) without a needed key or for an unusable one, ``KeyInUse`` (409) while the first is under
    way, ``KeyReused`` (422) for another body.
    """
    key = _key_of(request, required=required)
    if key is None:
        return perform()
    place = {"workspace": workspace, "user": request.user, "endpoint": request.path[:200], "key": key}
    body = digest({"path": request.get_full_path(), "body": request.data})
    with transaction.atomic():
        _lock(workspace.id, request.user.pk, request.path, key)
        if earlier := IdempotencyRecord.objects.filter(**place).first():
            return _replayed(earlier, body)
        response = perform()
        stored = {"data": json.loads(JSONRenderer().render(response.data)), "location": response.get("Location", "")}
        IdempotencyRecord.objects.create(
            **place, request_digest=body, status_code=response.status_code, response=stored
        )
    return response


def _key_of(request: Request, *, required: bool) -> str | None:
    key = request.headers.get(HEADER, "").strip()
    if not key:
        if required:
            hint = f"Send {HEADER} with a fresh UUID, and the same one when you repeat this request."
            raise Malformed(f"The header {HEADER} is missing.", hint)
        return None
    if len(key) > LONGEST or not (key.isascii() and key.isprintable()):
        raise Malformed(f"{HEADER} has at most {LONGEST} printable ASCII characters.", "Send a fresh UUID.")
    return key


def _lock(*parts: Any) -> None:
    name = hashlib.sha256("\n".join(str(part) for part in parts).encode()).digest()
    number = int.from_bytes(name[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        row = cursor.fetchone()
    if not row or not row[0]:
        raise KeyInUse("A request with this key is still being worked on.", "Wait a moment, then send it again.")


def _replayed(earlier: IdempotencyRecord, body: str) -> Response:
    if earlier.request_digest != body:
        raise KeyReused("This key was used before for another request.", f"Send a fresh {HEADER}.")
    stored: dict[str, Any] = earlier.response or {}
    headers = {REPLAYED: "true"}
    if location := stored.get("location"):
        headers["Location"] = location
    return Response(stored.get("data"), status=earlier.status_code, headers=headers)
