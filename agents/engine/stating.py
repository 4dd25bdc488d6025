"""What an agent says of its own calls: how sure it is. Asked beside the tool's arguments, and taken out before anything
else sees them. It gives no rights: a policy may ask for people because of it, and can let nothing pass for it.
"""

import math
from typing import Any, Final

from tools.models import Tool
from tools.states import Effect

FIELD: Final = "agent_confidence"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "number",
    "minimum": 0,
    "maximum": 1,
    "description": "Optional: how sure you are that this call is what the task asks for, from 0 to 1. "
    "It is shown to people and gives no rights.",
}


def asked_schema(tool: Tool) -> dict[str, Any]:
    """Return the tool's schema as an agent sees it: with the field, unless it only reads or has one of that name."""
    schema: dict[str, Any] = tool.input_schema
    properties = schema.get("properties")
    if tool.effect == Effect.READ or not isinstance(properties, dict) or FIELD in properties:
        return schema
    return {**schema, "properties": {**properties, FIELD: _SCHEMA}}


def take_statement(tool: Tool, arguments: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Return the call's own arguments, and what the agent stated in percent; None where it stated nothing usable."""
    if asked_schema(tool) is tool.input_schema or FIELD not in arguments:
        return arguments, None
    own = {name: value for name, value in arguments.items() if name != FIELD}
    return own, percent(arguments[FIELD])


def percent(stated: object) -> int | None:
    """Return a number from 0 to 1 as whole percents, rounded down; None for anything else."""
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 <= stated <= 1:
        return None
    return math.floor(round(stated * 100, 6))
