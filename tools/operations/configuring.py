"""Connections and tools: what operators set up. Every change grows the connection's version, so that clearances given
under the old one no longer hold."""

from types import EllipsisType
from typing import Any

from django.db import IntegrityError, transaction

from audit.ledger.recording import record
from tools.bindings import tool_digest
from tools.connectors.base import ConnectorError, Operation
from tools.connectors.registry import connector, operation
from tools.models import Connection, Environment, Tool
from tools.operations.apart import check_apart
from tools.schemas import check_schema, schema_digest, validate
from tools.states import Effect, Idempotency
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest
from workspaces.changes import is_unchanged
from workspaces.crypto import Unreadable
from workspaces.errors import InvalidInput, StaleState
from workspaces.models import User, Workspace
from workspaces.operations.authority import require_owner

LONGEST_CALL = 3600
STRICTNESS = {effect: rank for rank, effect in enumerate(Effect)}


def create_connection(
    *,
    workspace: Workspace,
    name: str,
    kind: str,
    config: dict[str, Any],
    secret: dict[str, Any],
    by: Actor,
    environment: str = Environment.LIVE,
    sandbox: Connection | None = None,
    is_restricted: bool = False,
) -> Connection:
    """Set up the way to one outside system, in one environment for good.

    Raise ``InvalidInput`` where config or secret do not fit the kind or the environment. ``sandbox`` is the connection
    that takes a live one's place in sandbox runs. A restricted one serves those alone who have the right to use it.
    """
    require_owner(by, workspace, "set up connections")
    _check_fit(kind, config, secret)
    limits: dict[str, Any] = {"environment": environment, "sandbox": sandbox, "is_restricted": is_restricted}
    connection = Connection(workspace=workspace, name=name, kind=kind, config=config, **limits)
    connection.set_secret(secret)
    _insert(connection, secret, by)
    return connection


def _insert(connection: Connection, secret: dict[str, Any], by: Actor) -> None:
    try:
        with transaction.atomic():
            check_apart(connection, secret)
            connection.save(force_insert=True)
            _record(connection, "connection.created", by)
    except IntegrityError as error:
        raise InvalidInput(f"There is a connection named {connection.name} already.", "Choose another name.") from error


def update_connection(
    *,
    connection: Connection,
    by: Actor,
    config: dict[str, Any] | None = None,
    secret: dict[str, Any] | None = None,
    is_enabled: bool | None = None,
    sandbox: Connection | EllipsisType | None = ...,
    is_restricted: bool | None = None,
) -> Connection:
    """Change what is not None (``...`` for the sandbox counterpart), and let clearances under the old one lapse."""
    check_may_change(connection, by, owners_only=(config, is_restricted, sandbox) != (None, None, ...))
    with transaction.atomic():
        locked = Connection.objects.select_for_update().get(pk=connection.pk)
        if config is not None or secret is not None:
            locked.config = locked.config if config is None else config
            _check_fit(locked.kind, locked.config, _stored_secret(locked) if secret is None else secret)
        if secret is not None:
            locked.set_secret(secret)
        locked.is_enabled = locked.is_enabled if is_enabled is None else is_enabled
        locked.is_restricted = locked.is_restricted if is_restricted is None else is_restricted
        if not isinstance(sandbox, EllipsisType):
            locked.sandbox = sandbox
        check_apart(locked, secret)
        locked.version += 1
        locked.save()
        _record(locked, "connection.changed", by)
    return locked


def check_may_change(connection: Connection, by: Actor, *, owners_only: bool = False) -> None:
    """Let owners change everything, and those who manage the connection its secret and whether it is enabled.

    Where it leads is for owners alone: whoever turns it to a server of their own is sent the secret.
    """
    manages = isinstance(by, User) and Connection.objects.manageable_by(by).filter(pk=connection.pk).exists()
    if owners_only or not manages:
        what = "change where connections lead and who may use them" if manages else "change connections"
        require_owner(by, connection.workspace, what)


def _stored_secret(connection: Connection) -> dict[str, Any]:
    try:
        return connection.open_secret()
    except Unreadable as error:
        sentence = "The stored secret cannot be opened."
        raise InvalidInput(sentence, f"Send the secret again. {error}", {"secret": [sentence]}) from error


def _check_fit(kind: str, config: dict[str, Any], secret: dict[str, Any]) -> None:
    known = connector(kind)
    fields: dict[str, list[str]] = {}
    for part, value, schema in (("config", config, known.config_schema), ("secret", secret, known.secret_schema)):
        for problem in validate(value, schema):
            fields.setdefault(f"{part}{problem.path}", []).append(problem.sentence)
    if fields:
        raise InvalidInput(f"This does not fit a connection of kind {kind}.", "Correct the fields named.", fields)


def _record(connection: Connection, verb: str, by: Actor) -> None:
    record(
        workspace_id=connection.workspace_id,
        actor=actor_text(by),
        verb=verb,
        subject=("connection", connection.id),
        body={
            "kind": connection.kind,
            "version": connection.version,
            "enabled": connection.is_enabled,
            "restricted": connection.is_restricted,
            "environment": connection.environment,
            "sandbox": str(connection.sandbox_id) if connection.sandbox_id else None,
            "config": digest(connection.config),
        },
    )


def save_tool(
    *,
    workspace: Workspace,
    name: str,
    title: str,
    description: str,
    connection: Connection,
    operation_name: str,
    options: dict[str, Any],
    by: Actor,
    effect: str | None = None,
    egress: bool | None = None,
    moves_money: bool | None = None,
    deadline_seconds: int | None = None,
    is_enabled: bool | None = None,
    is_new: bool = False,
) -> Tool:
    """Create or change a tool. Its schema, effect and idempotency come from the connector's operation and the options.

    Saved as it is already, nothing is written. Effect, egress and money may only be stricter than the operation's own.
    ``is_enabled`` None leaves a tool as it is, and a new one enabled. With ``is_new`` a taken name is refused.
    """
    require_owner(by, workspace, "set up tools")
    if connection.workspace_id != workspace.id:
        raise InvalidInput("There is no such connection in this workspace.", "Choose one of its own connections.")
    told = {"title": title, "description": description, "connection": connection}
    values = told | {
        "deadline_seconds": _deadline(deadline_seconds),
        **({} if is_enabled is None else {"is_enabled": is_enabled}),
        **_definition(connection.kind, operation_name, options, effect=effect, egress=egress, moves_money=moves_money),
    }
    present = Tool.objects.filter(workspace=workspace, name=name).select_related("connection").first()
    if present is not None and not is_new and is_unchanged(present, values):
        return present
    with transaction.atomic():
        tool, created = Tool.objects.update_or_create(workspace=workspace, name=name, defaults=values)
        if is_new and not created:
            raise InvalidInput(f"There is a tool named {name} already.", "Choose another name, or change that one.")
        _record_tool(tool, "tool.created" if created else "tool.changed", by)
    return tool


def _deadline(seconds: int | None) -> int | None:
    """Return how long one call may take, at most an hour; None: as long as the settings say."""
    if seconds is not None and not 0 < seconds <= LONGEST_CALL:
        said = [f"Give a whole number of seconds from 1 to {LONGEST_CALL:,}."]
        raise InvalidInput(
            "A call may not take so long.", "Leave it out for the usual time.", {"deadline_seconds": said}
        )
    return seconds


def _definition(
    kind: str,
    operation_name: str,
    options: dict[str, Any],
    *,
    effect: str | None,
    egress: bool | None,
    moves_money: bool | None,
) -> dict[str, Any]:
    made = operation(kind, operation_name)
    schema = _schema_of(made, options)
    if effect is not None and STRICTNESS[Effect(effect)] < STRICTNESS[made.effect]:
        raise InvalidInput(f"{operation_name} is {made.effect}; a tool cannot be more lenient than that.")
    return {
        "operation": operation_name,
        "options": options,
        "input_schema": schema,
        "schema_digest": schema_digest(schema),
        "effect": effect or made.effect,
        "egress": made.egress or bool(egress),
        "moves_money": made.moves_money or bool(moves_money),
        "idempotency": Idempotency(made.idempotency),
    }


def _record_tool(tool: Tool, verb: str, by: Actor) -> None:
    record(
        workspace_id=tool.workspace_id,
        actor=actor_text(by),
        verb=verb,
        subject=("tool", tool.id),
        body={
            "schema": tool.schema_digest,
            "definition": tool_digest(tool),
            "effect": str(tool.effect),
            "moves_money": tool.moves_money,
            "enabled": tool.is_enabled,
        },
    )


def _schema_of(made: Operation, options: dict[str, Any]) -> dict[str, Any]:
    try:
        schema = made.schema(options)
    except ConnectorError as error:
        raise InvalidInput(error.message, "Correct the tool's options.", {"options": [error.message]}) from error
    check_schema(schema)
    return schema


def set_tool_enabled(*, tool: Tool, enabled: bool, by: Actor) -> None:
    """Let agents use a tool, or stop them; raise ``StaleState`` where that is so already."""
    require_owner(by, tool.workspace, "enable and disable tools")
    with transaction.atomic():
        if not Tool.objects.filter(pk=tool.pk, is_enabled=not enabled).update(is_enabled=enabled):
            raise StaleState(f"The tool {tool.name} is {'enabled' if enabled else 'disabled'} already.")
        record(
            workspace_id=tool.workspace_id,
            actor=actor_text(by),
            verb="tool.enabled" if enabled else "tool.disabled",
            subject=("tool", tool.id),
        )
    tool.is_enabled = enabled
