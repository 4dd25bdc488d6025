"""Agents as their pages show them: what they may use, their limits, their versions, their latest runs."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Count, Max, QuerySet
from django.urls import reverse

from agents.console.rows import rows_of
from agents.models import Agent, AgentVersion, Run
from tools.states import Effect
from workspaces.console.links import NEW_RUN, agent_url
from workspaces.console.run_shapes import AgentPage, AgentRow, ToolRow
from workspaces.console.shapes import PauseRow
from workspaces.console.text import excerpt
from workspaces.models import Pause, User

LATEST: Final = 10
NO_VERSION: Final = "none"


def agent_rows(agents: Sequence[Agent]) -> list[AgentRow]:
    """Return agents (current version and its route selected) as rows, by one query a table."""
    ids = [agent.id for agent in agents]
    runs = Run.objects.filter(agent_id__in=ids).values("agent_id").annotate(count=Count("id"), last=Max("created_at"))
    told = {row["agent_id"]: (row["count"], row["last"]) for row in runs}
    versions = [agent.current_version_id for agent in agents if agent.current_version_id]
    tools = dict(AgentVersion.objects.filter(pk__in=versions).values_list("id").annotate(count=Count("tool_links")))
    scopes = list({scope for agent in agents for scope in (agent.id, agent.workspace_id)})
    paused = set(Pause.objects.over(scopes).values_list("scope_id", flat=True))
    rows = []
    for agent in agents:
        count, last = told.get(agent.id, (0, None))
        version = agent.current_version
        rows.append(
            AgentRow(
                name=agent.title,
                url=agent_url(agent.id),
                goal=excerpt(version.goal, 240) if version else "It has no published version yet.",
                version=str(version.number) if version else NO_VERSION,
                route=version.route.name if version else "",
                tools=tools.get(version.id, 0) if version else 0,
                runs=count,
                last_run_at=last,
                paused=not paused.isdisjoint((agent.id, agent.workspace_id)),
                demo=version.route.is_demo if version else False,
            )
        )
    return rows


def agent_page(agent: Agent, runs: QuerySet[Run], user: User) -> AgentPage:
    """Return everything about one agent; ``runs`` are those that ``user`` may see."""
    version = agent.current_version
    pauses = list(Pause.objects.over([agent.id, agent.workspace_id]).select_related("created_by"))
    may = Agent.objects.controllable_by(user).filter(pk=agent.pk).exists()
    latest = list(runs.filter(agent=agent).select_related("agent").order_by("-id")[:LATEST])
    stopped = any(pause.scope_id == agent.id for pause in pauses)
    return AgentPage(
        row=agent_rows([agent])[0],
        instructions=version.goal if version else "",
        tools=_tools(version) if version else (),
        limits=_limits(version) if version else (),
        effective_url=reverse("agents:effective", args=[agent.id]),
        worth_url=reverse("agents:worth", args=[agent.id]),
        versions=[(str(one.number), one.created_at, "") for one in agent.versions.order_by("-number")[:LATEST]],
        runs=rows_of(latest, user),
        pauses=[_pause_row(pause, agent, may) for pause in pauses],
        pause_url=reverse("agents:pause", args=[agent.id]) if may and not stopped else "",
        new_run_url=f"{NEW_RUN}?agent={agent.id}" if _takes_tasks(agent, user) else "",
    )


def _takes_tasks(agent: Agent, user: User) -> bool:
    ready = agent.is_enabled and agent.current_version_id is not None
    return ready and Agent.objects.startable_by(user).filter(pk=agent.pk).exists()


def _tools(version: AgentVersion) -> list[ToolRow]:
    return [
        ToolRow(
            name=tool.name,
            title=tool.title,
            effect=tool.effect,
            egress=tool.egress,
            idempotency=tool.get_idempotency_display() if tool.effect != Effect.READ else "Harmless: it only reads",
            connection=tool.connection.name if tool.connection else "built in",
        )
        for tool in version.tools.select_related("connection").order_by("name")
    ]


def _limits(version: AgentVersion) -> list[tuple[str, str]]:
    limits = [("Steps a run", str(version.step_limit)), ("Calls a turn", str(version.calls_per_turn))]
    money = f"{version.budget_usd.normalize():f} USD" if version.budget_usd is not None else "no limit of its own"
    time = f"{version.time_limit_seconds:,} seconds" if version.time_limit_seconds is not None else "no limit"
    circles = [
        ("Times a call may get the same", version.repeat_limit),
        ("Times the model may say the same", version.answer_limit),
        ("Turns that may bring nothing new", version.idle_limit),
    ]
    told = [(label, "any number" if most is None else str(most)) for label, most in circles]
    return [*limits, ("Money a run", money), ("Time a run, without what people take", time), *told]


def _pause_row(pause: Pause, agent: Agent, may: bool) -> PauseRow:
    own = pause.scope_id == agent.id
    return PauseRow(
        scope=pause.scope_kind,
        label=agent.title if own else "The workspace",
        by=str(pause.created_by),
        at=pause.created_at,
        reason=pause.reason,
        repair_allowed=pause.allows_repair,
        release_url=reverse("agents:release", args=[agent.id]) if own and may else "",
    )
