"""The people of the crash test: they give tickets, decide, settle and change their minds, by the real operations.

What somebody says is chosen by the seed, the ticket and the tool, so that it does not depend on who was killed when. A
doubt is settled as a careful person does: not while a process that may still send is frozen, and by a look at the
outside system's own log. Some doubts are left open on purpose.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseTrouble
from django.db import connection
from kombu.exceptions import OperationalError as BrokerTrouble

from agents.models import Run
from agents.operations import cancel_run, start_run
from agents.operations.pausing import pause_scope, release_pause
from agents.tasks import enqueue
from approvals.models import Request
from approvals.operations import Answer, decide
from approvals.states import DecisionKind, RequestKind, Settlement
from config.chaos.outside import Outside
from config.chaos.stage import Stage, number_of, ticket
from workspaces.errors import DomainError
from workspaces.models import Pause, ScopeKind

log = logging.getLogger(__name__)

AT_ONCE = 10
CAREFUL_SECONDS = 3.0
"""How long a doubt is left alone after the last frozen process has thawed: what was on its way has arrived."""
MORE_STEPS = 60


@dataclass
class People:
    """Everybody who has a say; ``left_open`` are the doubts that nobody settles, on purpose."""

    stage: Stage
    outside: Outside
    seed: int
    left_open: set[UUID]

    def begin(self, number: int) -> bool:
        """Give a ticket, once: one that was taken just before the database died is not given again."""
        text = ticket(number)

        def give() -> None:
            if not Run.objects.filter(input__text=text).exists():
                start_run(agent_id=self.stage.desk.agent.id, text=text, by=self.stage.owner)

        return attempted(give)

    def answer(self, calm_since: float) -> None:
        """Answer some of what waits; ``calm_since`` is the moment since which nobody is frozen."""
        attempted(lambda: self._answer(calm_since))

    def _answer(self, calm_since: float) -> None:
        waiting = Request.objects.open().exclude(pk__in=self.left_open).select_related("action__tool")
        for request in waiting.order_by("?")[:AT_ONCE]:
            if request.kind == RequestKind.SETTLE:
                self._settle(request, calm_since)
            elif request.kind == RequestKind.BUDGET:
                self._say(request, DecisionKind.APPROVE, steps=MORE_STEPS)
            else:
                self._decide(request)

    def _chance(self, request: Request, about: str) -> float:
        run = Run.objects.get(pk=request.run_id)
        tool = request.action.tool.name if request.action else ""
        words = f"{self.seed} {number_of(run.input['text'])} {tool} {about}"
        return random.Random(words).random()  # noqa: S311 - the same for the same seed

    def _decide(self, request: Request) -> None:
        chance = self._chance(request, "decision")
        if chance < 0.03:
            cancel_run(run_id=request.run_id, by=self.stage.owner)
        elif chance < 0.09:
            self._say(request, DecisionKind.REJECT, reason="Not today.")
        elif chance < 0.15 and request.action is not None and request.action.revises_id is None:
            self._say(request, DecisionKind.EDIT, arguments=edited(request.action.arguments))
        else:
            self._say(request, DecisionKind.APPROVE)

    def _settle(self, request: Request, calm_since: float) -> None:
        if time.monotonic() < calm_since + CAREFUL_SECONDS or request.action is None:
            return
        if self._chance(request, "doubt") < 0.3:
            self.left_open.add(request.pk)
            return
        happened = self.outside.effects().of(request.action.idempotency_key)
        self._say(
            request,
            DecisionKind.APPROVE,
            settlement=Settlement.HAPPENED if happened else Settlement.RETRY,
            reason="It is in the system's log." if happened else "It is not in the system's log.",
        )

    def _say(self, request: Request, kind: DecisionKind, **said: Any) -> None:
        for user in self.stage.reviewers:
            if Request.objects.waiting_for(user).filter(pk=request.pk).exists():
                answer = Answer(kind=kind, seen=request.evidence_digest, **said)
                decide(request_id=request.pk, answer=answer, by=user)
                return

    def pause(self) -> None:
        """Stop the whole company."""
        workspace, owner = self.stage.desk.workspace, self.stage.owner
        scope: dict[str, Any] = {"scope_kind": ScopeKind.WORKSPACE, "scope_id": workspace.id}
        attempted(lambda: pause_scope(workspace=workspace, **scope, reason="Chaos.", by=owner))

    def release(self) -> bool:
        """Let it go on; return whether nothing is paused any more."""
        owner = self.stage.owner

        def end() -> None:
            for pause in Pause.objects.filter(released_at=None):
                release_pause(pause=pause, by=owner)

        return attempted(end)

    def send_again(self, chance: float) -> None:
        """Send messages that nobody needs: twice, late, and about runs that are long over."""
        attempted(lambda: _send_again(chance))


def _send_again(chance: float) -> None:
    known = list(Run.objects.order_by("created_at").values_list("id", flat=True))
    some = random.Random(chance).sample(known, min(len(known), 20))  # noqa: S311 - the same for the same chance
    for run_id in some * 3:
        enqueue(run_id)


def edited(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as a person corrects them."""
    return {**arguments, "tier": "silver"} if "tier" in arguments else {**arguments, "subject": "About your request"}


def attempted(act: Callable[[], object]) -> bool:
    """Do ``act``; return False where the database, the broker or somebody else was in the way: it is done again."""
    try:
        act()
    except (DatabaseTrouble, BrokerTrouble, DomainError) as error:
        log.info("Not now: %s", error)
        connection.close()
        return False
    return True
