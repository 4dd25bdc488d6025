"""A workspace whose tools lead to a spy: a connector kind of its own, which shows what reaches the outside."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db import connection as database
from django.db import connections

from agents.models import Agent, Run
from agents.operations import start_run
from agents.operations.configuring import create_agent, publish_version, save_route
from approvals.models import Decision, Request, ReviewQueue
from approvals.operations import Answer, activate_policy, decide, draft_policy, save_queue
from approvals.policies.default import DEFAULT_RULES
from approvals.states import DecisionKind
from audit.ledger.models import Event
from tests.beginnings import begin_with
from tests.factories import SETUP, Cast
from tools.connectors import registry
from tools.connectors.base import Done, Drifted, Probe
from tools.models import Action, Connection, Tool
from tools.operations import create_connection, execute, look_before, propose, save_tool
from tools.ports import gate
from tools.states import Effect, Idempotency
from workspaces.ids import uuid7
from workspaces.operations import teams


@dataclass
class World:
    """What is outside: one record, everything that was done, and what goes wrong next."""

    record: dict[str, Any] = field(default_factory=lambda: {"name": "ada", "value": "old"})
    done: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    fails: Exception | None = None
    looking_fails: Exception | None = None
    meanwhile: Callable[[], object] = lambda: None
    probed: Probe = field(default_factory=lambda: Probe(None, "Nobody can tell."))
    shows: Any = "the record"
    says: Any = "done"

    def touch(self, what: str, target: Any) -> None:
        self.touched.append(what)
        self.reached.append(target.config.get("place", "live"))
        self.meanwhile()


class SpyOperation:
    """Acts on the world of the test."""

    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    world = World()

    def schema(self, options):
        return {
            "type": "object",
            "properties": {"name": {"type": "string"}, "value": {"type": "string", "maxLength": 20}},
            "required": ["name", "value"],
            "additionalProperties": False,
        }

    def before(self, target, arguments):
        SpyOperation.world.touch("before", target)
        if SpyOperation.world.looking_fails:
            raise SpyOperation.world.looking_fails
        return dict(SpyOperation.world.record) if self.effect == Effect.REVERSIBLE else None

    def execute(self, target, arguments, *, key, before):
        world = SpyOperation.world
        world.touch("execute", target)
        if world.fails:
            raise world.fails
        if self.effect == Effect.REVERSIBLE:
            if before != world.record:
                raise Drifted("It has changed since.", dict(world.record))
            world.record = {**world.record, **arguments}
        world.done.append(key)
        return Done({"said": world.says}, dict(world.record) if self.effect == Effect.REVERSIBLE else None)

    def verify(self, target, arguments, done):
        SpyOperation.world.touch("verify", target)
        return dict(SpyOperation.world.record) if SpyOperation.world.shows == "the record" else SpyOperation.world.shows

    def probe(self, target, arguments, *, key, before):
        SpyOperation.world.touch("probe", target)
        if SpyOperation.world.looking_fails:
            raise SpyOperation.world.looking_fails
        return SpyOperation.world.probed

    def undo(self, arguments, before, after):
        return dict(before) if self.effect == Effect.REVERSIBLE and before is not None else None

    def predict(self, arguments, before):
        return {**before, **arguments} if before is not None else None


class Look(SpyOperation):
    name = "spy.look"
    effect = Effect.READ
    idempotency = Idempotency.ENFORCED


class Change(SpyOperation):
    name = "spy.change"
    effect = Effect.REVERSIBLE
    idempotency = Idempotency.CONDITIONAL


class Send(SpyOperation):
    name = "spy.send"
    effect = Effect.IRREVERSIBLE
    egress = True
    idempotency = Idempotency.NONE


class SpyConnector:
    kind = "spy"
    title = "Spy"
    config_schema: ClassVar = {"type": "object"}
    secret_schema: ClassVar = {"type": "object"}
    operations: ClassVar = {made.name: made for made in (Look(), Change(), Send())}

    def check(self, target):
        return "Here."


@pytest.fixture
def world():
    """A fresh outside, and the connector kind that leads to it."""
    SpyOperation.world = World()
    registry.register(SpyConnector())
    yield SpyOperation.world
    del registry._known["spy"]


@dataclass
class House:
    """The cast's workspace with the default policy, an agent with a run of the owner's, and three tools to the spy."""

    cast: Cast
    world: World
    queue: ReviewQueue
    agent: Agent
    run: Run
    connection: Connection
    tools: dict[str, Tool]

    def propose(self, tool: str = "send", **more: Any) -> Action:
        return propose(
            **{
                "tool": Tool.objects.get(pk=self.tools[tool].pk),
                "arguments": {"name": "ada", "value": "new"},
                "step_id": uuid7(),
                "run_id": self.run.id,
                "agent_id": self.agent.id,
                "agent_version_id": self.run.version_id,
                "environment": self.run.environment,
                "causes": self.run.causes,
                "scopes": self.run.scopes,
                "provenance": [],
                "untrusted_influence": True,
                "by": SETUP,
                **more,
            }
        )

    def clear(self, action: Action) -> Action:
        """Look at what would be changed, and let the gate judge."""
        if action.effect == Effect.REVERSIBLE:
            look_before(action_id=action.id, by=SETUP)
        return gate().clear(action.id)

    def asked(self, tool: str = "send", **more: Any) -> Request:
        """Propose something that people are asked about."""
        action = self.clear(self.propose(tool, **more))
        assert action.status == "in_review", action.explanation
        return self.request(action)

    def request(self, action: Action, **which: Any) -> Request:
        return Request.objects.open().select_related("action").get(action=action, **which)

    def answer(self, request: Request, kind: str = "approve", by=None, **said: Any) -> Decision:
        seen = said.pop("seen", request.evidence_digest)
        answer = Answer(kind=DecisionKind(kind), seen=seen, **said)
        return decide(request_id=request.id, answer=answer, by=by or self.cast.reviewer)

    def approved(self, tool: str = "send", **more: Any) -> Action:
        request = self.asked(tool, **more)
        self.answer(request)
        return Action.objects.get(requests=request)

    def execute(self, action: Action, incarnation: UUID | None = None) -> Action:
        return execute(action_id=action.id, incarnation=incarnation or uuid7())

    def in_doubt(self, tool: str = "send", **more: Any) -> Action:
        action = self.approved(tool, **more)
        self.world.fails = TimeoutError("gone")
        action = self.execute(action)
        self.world.fails = None
        assert action.status == "in_doubt"
        return action

    def policy(self, *rules: dict[str, Any]) -> None:
        """Put other rules in force."""
        draft = draft_policy(workspace=self.cast.workspace, name="default", title="P", rules=[*rules], by=SETUP)
        activate_policy(version=draft, by=SETUP)

    def second_queue(self, quorum: int = 1) -> ReviewQueue:
        """Set up a queue where only finance decides."""
        queue = save_queue(workspace=self.cast.workspace, name="money", title="Money", quorum=quorum, by=SETUP)
        teams.grant(team=self.cast.financiers, codename="decide_reviewqueue", target=queue, by=SETUP)
        return queue


@pytest.fixture
def house(cast: Cast, world: World) -> House:
    return House(cast, world, **begin_with("house", lambda: furnished(cast)))


def furnished(cast: Cast) -> dict[str, Any]:
    """Set up what the house has besides its people and the outside."""
    where, by = cast.workspace, SETUP
    queue = save_queue(workspace=where, name="default", title="Review", is_default=True, by=by)
    for team in (cast.reviewers, cast.financiers):
        teams.grant(team=team, codename="decide_reviewqueue", target=queue, by=by)
    draft = draft_policy(workspace=where, name="default", title="P", rules=DEFAULT_RULES, by=by)
    activate_policy(version=draft, by=by)
    way = create_connection(workspace=where, name="spy", kind="spy", config={}, secret={"word": "hush"}, by=by)
    tools = {name: make_tool(cast, way, name) for name in ("look", "change", "send")}
    route = save_route(workspace=where, name="default", endpoints=[{"provider": "demo", "model": "d"}], by=by)
    agent = create_agent(workspace=where, name="agent", title="Agent", by=by)
    publish_version(agent=agent, goal="Be good.", route=route, tools=list(tools.values()), by=by)
    run = start_run(agent_id=agent.id, text="Please do it.", by=cast.owner)
    return {"queue": queue, "agent": agent, "run": run, "connection": way, "tools": tools}


def make_tool(cast: Cast, way: Connection, name: str, **changes: Any) -> Tool:
    """Create or change the tool that leads to one of the spy's operations."""
    values = {"title": name.title(), "description": name, "operation_name": f"spy.{name}", "options": {}, **changes}
    return save_tool(workspace=cast.workspace, name=name, connection=way, by=SETUP, **values)


REVIEW = {
    "name": "ask",
    "when": "true",
    "reason": "Because.",
    "outcome": "review",
    "waivable": False,
    "queue": "default",
    "quorum": 1,
    "time_limit_seconds": 3600,
    "on_expiry": "expire",
}
ALLOW = {"name": "all", "when": "true", "reason": "Anything goes.", "outcome": "allow"}
DENY = {"name": "nothing", "when": "true", "reason": "Nothing goes.", "outcome": "deny"}


def events(subject: Any) -> list[str]:
    """Return the verbs of the ledger's events about ``subject``, oldest first."""
    return list(Event.objects.filter(subject_id=str(subject.pk)).order_by("sequence").values_list("verb", flat=True))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make each call in a thread with a connection of its own, all past one barrier; return answers and errors."""
    barrier = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def make(number: int, call: Callable[[], Any]) -> None:
        try:
            database.ensure_connection()
            barrier.wait(60)
            answers[number] = call()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    return answers
