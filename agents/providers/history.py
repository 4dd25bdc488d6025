"""How earlier turns are told to a model again, where the providers agree."""

import json
from typing import Any

from agents.providers.base import ToolCall


def replayed(call: ToolCall) -> dict[str, Any]:
    """Return the arguments of an earlier call as an object, since no provider takes back what is none.

    The call's result, which follows it, says what was wrong.
    """
    return call.arguments if call.arguments is not None else {"INVALID_JSON": call.raw}


def sent_arguments(call: ToolCall) -> str:
    """Return the same as JSON text."""
    return json.dumps(replayed(call), ensure_ascii=False)
