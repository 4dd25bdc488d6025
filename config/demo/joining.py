"""What each part of the demo desk needs to be set up a second time without a trace."""

from collections.abc import Iterable
from typing import Any

from agents.models import AgentVersion
from tools.models import Connection, Tool
from tools.operations import create_connection, update_connection
from workspaces.actors import Actor
from workspaces.models import Workspace


def ensure_connection(
    *, workspace: Workspace, name: str, kind: str, config: dict[str, Any], secret: dict[str, Any], by: Actor
) -> Connection:
    """Create the connection, or change it where address or secret differ; an unchanged one keeps its version."""
    present = Connection.objects.filter(workspace=workspace, name=name).first()
    if present is None:
        return create_connection(workspace=workspace, name=name, kind=kind, config=config, secret=secret, by=by)
    if present.config == config and present.open_secret() == secret:
        return present
    return update_connection(connection=present, config=config, secret=secret, by=by)


def lacking(version: AgentVersion | None, tools: Iterable[Tool]) -> list[Tool]:
    """Return those of ``tools`` that a version cannot use: it was published before they were there."""
    known = set() if version is None else set(version.tools.values_list("id", flat=True))
    return [tool for tool in tools if tool.id not in known]
