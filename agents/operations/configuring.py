"""Agents, their versions and model routes: what operators set up. Publishing makes a new, immutable version."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Max

from agents.models import Agent, AgentVersion, AgentVersionCollection, AgentVersionTool, ModelRoute
from agents.providers.base import Provider
from agents.workflows.checks import Names, check_workflow
from approvals.models import ReviewQueue
from audit.ledger.recording import record
from memory.models import Collection
from tools.models import Tool
from tools.schemas import validate
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest
from workspaces.changes import is_unchanged
from workspaces.errors import InvalidInput, StaleState
from workspaces.models import User, Workspace
from workspaces.operations.authority import note, require_owner

ENDPOINT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "provider": {"enum": Provider.values},
        "model": {"type": "string", "minLength": 1, "maxLength": 120},
        "base_url": {"type": "string", "maxLength": 500},
        "connection": {"type": "string", "maxLength": 60},
        "deadline_seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        "requests_per_minute": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
        "tokens_per_minute": {"type": "integer", "minimum": 1, "maximum": 1_000_000_000},
        "at_once": {"type": "integer", "minimum": 1, "maximum": 10_000},
    },
    "required": ["provider", "model"],
}
ENDPOINT_KEYS = frozenset(ENDPOINT["properties"])
SUBJECT = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "minLength": 1, "maxLength": 40},
        "tool": {"type": "string", "minLength": 1, "maxLength": 100},
        "field": {"type": "string", "minLength": 1, "maxLength": 100},
    },
    "additionalProperties": False,
}


def save_route(
    *,
    workspace: Workspace,
    name: str,
    endpoints: list[dict[str, Any]],
    by: Actor,
    max_output_tokens: int = 2048,
    is_new: bool = False,
) -> ModelRoute:
    """Create or change a model route; saved as it is already, nothing is written.

    Raise ``InvalidInput`` for endpoints that are not understood and, with ``is_new``, for a name that is taken.
    """
    require_owner(by, workspace, "set up model routes")
    _check_endpoints(endpoints)
    values = {"endpoints": endpoints, "max_output_tokens": max_output_tokens}
    present = ModelRoute.objects.filter(workspace=workspace, name=name).first()
    if present is not None and not is_new and is_unchanged(present, values):
        return present
    with transaction.atomic():
        route, created = ModelRoute.objects.update_or_create(workspace=workspace, name=name, defaults=values)
        if is_new and not created:
            raise InvalidInput(f"There is a route named {name} already.", "Choose another name, or change that one.")
        record(
            workspace_id=workspace.id,
            actor=actor_text(by),
            verb="route.created" if created else "route.changed",
            subject=("route", route.id),
            body={"endpoints": digest(endpoints)},
        )
    return route


def _check_endpoints(endpoints: list[dict[str, Any]]) -> None:
    if not endpoints:
        raise InvalidInput("A model route needs at least one endpoint.", "Name a provider and a model.")
    for entry in endpoints:
        unknown = sorted(set(entry) - ENDPOINT_KEYS)
        if unknown:
            raise InvalidInput(
                f"An endpoint has no {', '.join(unknown)}.", f"It has: {', '.join(sorted(ENDPOINT_KEYS))}."
            )
        if entry.get("provider") not in Provider.values:
            raise InvalidInput(
                f"There is no provider {entry.get('provider')!r}.", f"Choose one of: {', '.join(Provider.values)}."
            )
        _check_fits({name: value for name, value in entry.items() if value is not None}, ENDPOINT, "endpoints")


def _check_fits(value: dict[str, Any], schema: dict[str, Any], field: str) -> None:
    """Refuse what would only be found to be unusable in the middle of a run."""
    problems = [f"{problem.path.removeprefix('/')}: {problem.sentence}" for problem in validate(value, schema)]
    if problems:
        raise InvalidInput(f"The {field} cannot be used. {problems[0]}", "Correct what is named.", {field: problems})


def create_agent(*, workspace: Workspace, name: str, title: str, by: Actor) -> Agent:
    """Create an agent without a version; it takes no tasks until one is published."""
    require_owner(by, workspace, "set up agents")
    try:
        with transaction.atomic():
            agent = Agent.objects.create(workspace=workspace, name=name, title=title)
            record(workspace_id=workspace.id, actor=actor_text(by), verb="agent.created", subject=("agent", agent.id))
    except IntegrityError as error:
        raise InvalidInput(f"There is an agent named {name} already.", "Choose another name.") from error
    return agent


def set_agent_enabled(*, agent: Agent, enabled: bool, by: Actor) -> None:
    """Let an agent take new tasks, or stop that; runs under way go on. Raise ``StaleState`` where it is so already."""
    require_owner(by, agent.workspace, "enable and disable agents")
    with transaction.atomic():
        if not Agent.objects.filter(pk=agent.pk, is_enabled=not enabled).update(is_enabled=enabled):
            raise StaleState(f"The agent {agent.name} is {'enabled' if enabled else 'disabled'} already.")
        record(
            workspace_id=agent.workspace_id,
            actor=actor_text(by),
            verb="agent.enabled" if enabled else "agent.disabled",
            subject=("agent", agent.id),
        )
    agent.is_enabled = enabled


class VersionLimits(TypedDict, total=False):
    """How far a run of a version may go; see docs/limits.md."""

    step_limit: int
    budget_usd: Decimal | None
    calls_per_turn: int
    time_limit_seconds: int | None
    repeat_limit: int | None
    answer_limit: int | None
    idle_limit: int | None


def publish_version(
    *,
    agent: Agent,
    goal: str,
    route: ModelRoute,
    tools: Sequence[Tool],
    by: Actor,
    subject: dict[str, Any] | None = None,
    collections: Sequence[Collection] = (),
    workflow: dict[str, Any] | None = None,
    **limits: Unpack[VersionLimits],
) -> AgentVersion:
    """Make a new immutable version and let new runs begin with it; runs under way keep theirs.

    ``collections`` are those that its runs may search, as far as whoever started a run may read them; ``workflow`` is
    what its runs do, where that is more than to ask the model. Limits that are left out have their defaults.
    """
    require_owner(by, agent.workspace, "publish agent versions")
    if any(part.workspace_id != agent.workspace_id for part in (route, *tools, *collections)):
        raise InvalidInput("Route, tools and collections belong to the agent's own workspace.")
    _check_fits(subject or {}, SUBJECT, "subject")
    if workflow is not None:
        check_workflow(workflow, names_for(agent, tools, collections))
    values = {"goal": goal, "route": route, "subject": subject or {}, "workflow": workflow, **limits}
    with transaction.atomic():
        Agent.objects.select_for_update().get(pk=agent.pk)
        last = agent.versions.aggregate(last=Max("number"))["last"] or 0
        version = AgentVersion.objects.create(
            workspace_id=agent.workspace_id,
            agent=agent,
            number=last + 1,
            **values,
            created_by=by if isinstance(by, User) else None,
        )
        _link(version, tools, collections)
        Agent.objects.filter(pk=agent.pk).update(current_version=version)
        said = _said(version, tools, collections)
        note(agent.workspace_id, by, "agent.version_published", ("agent", agent.id), **said)
    agent.current_version = version
    return version


def _said(version: AgentVersion, tools: Sequence[Tool], collections: Sequence[Collection]) -> dict[str, Any]:
    """Return what the ledger is told of a version."""
    body = {"version": version.number, "goal": digest(version.goal), "tools": sorted(tool.name for tool in tools)}
    if collections:
        body["collections"] = sorted(one.name for one in collections)
    if version.workflow is not None:
        body["workflow"] = digest(version.workflow)
    return body


def _link(version: AgentVersion, tools: Sequence[Tool], collections: Sequence[Collection]) -> None:
    own = version.workspace_id
    AgentVersionTool.objects.bulk_create(
        AgentVersionTool(workspace_id=own, version=version, tool=tool) for tool in tools
    )
    AgentVersionCollection.objects.bulk_create(
        AgentVersionCollection(workspace_id=own, version=version, collection=one) for one in collections
    )


def names_for(agent: Agent, tools: Sequence[Tool], collections: Sequence[Collection]) -> Names:
    """Return what a workflow of ``agent`` may name, with these tools and collections."""
    here = {"workspace_id": agent.workspace_id}
    return Names(
        tools=frozenset(tool.name for tool in tools),
        collections=frozenset(one.name for one in collections),
        queues=frozenset(ReviewQueue.objects.filter(**here).values_list("name", flat=True)),
        agents=frozenset(Agent.objects.filter(**here).values_list("name", flat=True)),
        own=agent.name,
    )
