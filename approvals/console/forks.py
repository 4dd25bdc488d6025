"""What a request's page tells of the fork that asks: from the frozen evidence, as everything there."""

from typing import Any

from approvals.models import Request
from workspaces.console.links import run_url


def fork_of(request: Request) -> dict[str, Any]:
    """Return what the page's template needs of the fork; nothing where the run is none."""
    told = request.evidence.get("fork")
    return {} if told is None else {"fork": told, "fork_url": run_url(told["run"])}
