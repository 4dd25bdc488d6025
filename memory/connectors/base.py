"""What the built-in connectors have in common: no address, no secret, and an action on whose behalf they are called."""

from typing import Any, Final

from memory.ports import RunFacts, run_source
from tools.connectors.base import Caller, Refused, Target
from tools.connectors.columns import object_schema

Json = dict[str, Any]
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
