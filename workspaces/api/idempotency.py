"""A POST that is sent again is answered again, and done once (draft-ietf-httpapi-idempotency-key-header)."""

import json
from collections.abc import Callable
from typing import Any, cast

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.canonical import digest
from workspaces.errors import Malformed
from workspaces.models import User, Workspace
from workspaces.operations.repeating import Repeatable, answer_once

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 255


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
    made: list[Response] = []

    def carry_out() -> tuple[int, dict[str, Any]]:
        made.append(perform())
        data = json.loads(JSONRenderer().render(made[0].data))
        return made[0].status_code, {"data": data, "location": made[0].get("Location", "")}

    body = digest({"path": request.get_full_path(), "body": request.data})
    asked = Repeatable(workspace=workspace, by=cast(User, request.user), endpoint=request.path, key=key, body=body)
    status, stored, replayed = answer_once(asked, carry_out)
    return _replayed(status, stored) if replayed else made[0]


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


def _replayed(status: int, stored: dict[str, Any]) -> Response:
    headers = {REPLAYED: "true"}
    if location := stored.get("location"):
        headers["Location"] = location
    return Response(stored.get("data"), status=status, headers=headers)
