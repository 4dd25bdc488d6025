"""What the built-in connectors have in common: no address, no secret, and an action on whose behalf they are called."""

from typing import Any, Final

from memory.ports import RunFacts, run_source
from tools.connectors.base import Caller, Refused, Target

Json = dict[str, Any]


def object_schema(properties: Json, *, required: list[str]) -> Json:
    """Return the JSON Schema (2020-12) of an object with these properties and no others."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema = {"$schema": dialect, "type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


NOTHING: Final = object_schema({}, required=[])
"""The schema of a config or secret that has no fields."""


def caller_of(target: Target) -> Caller:
    """Return on whose behalf the call is made; raise ``Refused`` where no action stands behind it."""
    if target.caller is None:
        raise Refused("Only an action of a run can do this.")
    return target.caller


def run_of(caller: Caller) -> RunFacts:
    """Return what is true of the caller's run; raise ``Refused`` where nothing is known of it."""
    try:
        return run_source().for_run(caller.run_id)
    except LookupError as error:
        raise Refused(f"{error} Nothing was done.") from error
