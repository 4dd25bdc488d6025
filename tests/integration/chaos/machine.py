"""One engine, one company, any order of events: the rules of a generated story, and what must hold after each of them.

The oracle is the outside: a CRM whose trigger writes each change down under its action's key, and the mail server's own
box. A worker *dies* by an exception that nothing catches, after which its incarnation counts as dead; it *freezes* by
being taken for dead in the middle of what it does, while another one takes over and it goes on afterwards.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from agents.engine import workers
from agents.engine.drive import drive
from agents.engine.sweep import sweep
from agents.models import Run, Step, Worker
from agents.operations import cancel_run, start_run
from agents.states import RUN_TERMINAL, STEP_TERMINAL, StepStatus
from approvals.models import Decision, Request
from approvals.states import RequestKind
from audit.ledger.models import Event
from config.chaos.outside import Effects
from config.chaos.people import edited
from config.chaos.stage import ticket
from tests.factories import SETUP
from tools.models import Action
from tools.states import ActionStatus
from workspaces.database import ClockTimestamp
from workspaces.errors import DomainError
from workspaces.failpoints import Failpoint as F
from workspaces.failpoints import acting
from workspaces.models import Pause, ScopeKind
from workspaces.operations import teams
from workspaces.operations.pauses import pause, release

LONG_AGO = timedelta(days=1)
WORK = [
    F.STEP_CLAIMED, F.MODEL_ASKING, F.MODEL_ANSWERED, F.MODEL_RECORDED, F.LOOK_BEGUN, F.LOOK_TAKEN, F.ACTION_JUDGED,
    F.ACTION_INTENDED, F.ACTION_EFFECTED, F.ACTION_CONCLUDED, F.DOUBT_RAISED, F.DOUBT_PROBED,
]  # fmt: skip
CALLING = [F.MODEL_ASKING, F.MODEL_ANSWERED, F.LOOK_BEGUN, F.LOOK_TAKEN, F.ACTION_INTENDED, F.ACTION_EFFECTED]
"""Where no transaction is open: a process that is frozen there holds up nobody."""
EFFECTING = [F.ACTION_INTENDED, F.ACTION_EFFECTED, F.ACTION_EFFECTED]
SWEEPING = [F.SWEEP_STARTED, F.STEP_HANDED_BACK, F.STEP_WAKING, F.HINTS_NOTED]
MAYBE = {ActionStatus.EXECUTING, ActionStatus.IN_DOUBT}
ADMIT = "INSERT INTO customers (id, name, email, tier) VALUES (%s, 'Somebody', %s, 'standard')"
ENOUGH = 60


class Died(BaseException):
    """A process that is gone: nothing catches it, nothing is tidied up."""


class Company(RuleBasedStateMachine):
    """Runs of one desk; ``office`` and ``first`` (the number of its first ticket) are given by the test."""

    runs = Bundle("runs")
    office = None
    first = 0

    def __init__(self) -> None:
        super().__init__()
        self.own: list[Run] = []
        self.revoked = False

    # What people do

    @rule(target=runs)
    @precondition(lambda self: len(self.own) < 3)
    def propose(self):
        number = Company.first = Company.first + 1
        email = f"customer-{number}@chaos.example"
        self.office.crm.connection.execute(ADMIT, [200_000 + number, email])
        run = start_run(agent_id=self.office.desk.agent.id, text=ticket(number), by=self.office.cast.owner)
        self.own.append(run)
        return run

    @initialize(target=runs)
    def begin(self):
        """Nothing can happen to a company without a run: the first one waits for people already."""
        run = self.propose()
        self.work(run)
        return run

    @rule(run=runs, says=st.sampled_from(["approve", "approve", "approve", "edit", "reject"]), dies=st.booleans())
    def decide(self, run, says, dies):
        request = self.undecided(run).order_by("?").first()
        if request is not None:
            points = [F.REQUEST_DECIDED] if dies else []
            self.until_death(points, lambda: self.say(request, says))

    @rule(run=runs, point=st.sampled_from(EFFECTING), nth=st.integers(1, 2), frozen=st.booleans())
    def approve_and_lose_the_worker(self, run, point, nth, frozen):
        """Everything is approved, and whoever carries it out dies, or freezes, around the effect."""
        for request in self.undecided(run):
            self.say(request, "approve")
        if frozen:
            self.freeze(run, point, nth)
        else:
            self.crash(run, point, nth)

    @rule(run=runs)
    def settle(self, run):
        request = self.open_requests(run).filter(kind=RequestKind.SETTLE).first()
        if request is not None:
            self.find_out(request)

    @rule(run=runs, meant=st.integers(0, 3))
    def cancel(self, run, meant):
        if meant:
            return
        with suppress(DomainError):
            cancel_run(run_id=run.id, by=self.office.cast.owner)

    @rule(run=runs)
    def expire(self, run):
        self.open_requests(run).exclude(kind=RequestKind.SETTLE).update(expires_at=ClockTimestamp() - LONG_AGO)

    @rule(run=runs, whole=st.booleans())
    def pause(self, run, whole):
        kind, scope = (ScopeKind.WORKSPACE, self.office.cast.workspace.id) if whole else (ScopeKind.RUN, run.id)
        said = {"scope_kind": kind, "scope_id": scope, "reason": "Stop.", "right": "control_agent"}
        with suppress(DomainError):
            pause(workspace=self.office.cast.workspace, by=self.office.cast.owner, **said)

    @rule()
    def resume(self):
        for stopped in Pause.objects.filter(released_at=None):
            release(pause=stopped, by=self.office.cast.owner, right="control_agent")

    @rule()
    def revoke_or_restore(self):
        change = teams.grant if self.revoked else teams.revoke
        change(team=self.office.cast.reviewers, codename="decide_reviewqueue", target=self.office.desk.queue, by=SETUP)
        self.revoked = not self.revoked

    # What processes do

    @rule(run=runs, times=st.integers(1, 2))
    def deliver(self, run, times):
        """A message arrives: in time, late, or twice."""
        for _ in range(times):
            self.work(run)

    @rule(run=runs, point=st.sampled_from(WORK), nth=st.integers(1, 2))
    def crash(self, run, point, nth):
        self.until_death([point], lambda: self.work(run), nth)

    @rule(run=runs, point=st.sampled_from(CALLING), nth=st.integers(1, 2))
    def freeze(self, run, point, nth):
        """A worker is taken for dead in the middle; another one goes on; then it thaws."""
        left = nth

        def act(here: F) -> None:
            nonlocal left
            left -= here == point
            if here == point and left == 0:
                self.bury()
                self.look_after()
                self.work(run)

        with acting(act):
            self.work(run)

    @rule(point=st.sampled_from([None, *SWEEPING]))
    def look_after(self, point=None):
        self.until_death([point] if point else [], lambda: sweep(lambda _run: None))

    @rule()
    def time_passes(self):
        Step.objects.filter(status=StepStatus.READY).update(wake_at=None, nudged_at=None)

    # What must hold, always

    @invariant()
    def outside_and_record_agree(self):
        seen = self.effects()
        for action in Action.objects.filter(run_id__in=[run.id for run in self.own]).exclude(effect="read"):
            times = seen.of(action.idempotency_key)
            if action.status == ActionStatus.SUCCEEDED:
                assert times == 1, (action.tool.name, "recorded, and happened", times)
            else:
                assert times <= (action.status in MAYBE), (action.tool.name, action.status, times)
            if times:
                approvals = Decision.objects.filter(request__action=action, kind="approve")
                assert approvals.exclude(user=self.office.cast.owner).exists(), "nobody had agreed"

    @invariant()
    def open_steps_are_counted(self):
        for run in Run.objects.filter(pk__in=[run.id for run in self.own]).exclude(status__in=RUN_TERMINAL):
            live = run.steps.exclude(status__in=STEP_TERMINAL).count()
            assert run.open_steps == live, (run.status, run.open_steps, live)

    def teardown(self):
        """Let people answer everything and workers finish: every run ends, and the ledger tells each effect once."""
        self.resume()
        if self.revoked:
            self.revoke_or_restore()
        for _ in range(ENOUGH):
            if self.all_over():
                break
            self.bury()
            self.time_passes()
            self.look_after()
            for run in self.own:
                self.work(run)
                for request in self.open_requests(run):
                    self.find_out(request) if request.kind == RequestKind.SETTLE else self.say(request, "approve")
        assert self.all_over(), [
            (r.status, [(s.kind, s.status, s.explanation) for s in r.steps.all()]) for r in self.live()
        ]
        self.outside_and_record_agree()
        self.ledger_tells_each_effect_once()

    def ledger_tells_each_effect_once(self):
        done = Action.objects.filter(run_id__in=[run.id for run in self.own], status=ActionStatus.SUCCEEDED)
        ids = [str(pk) for pk in done.values_list("id", flat=True)]
        told = Event.objects.filter(verb="action.succeeded", subject_id__in=ids).values_list("subject_id", flat=True)
        assert Counter(map(str, told)) == Counter(ids)

    # How it is done

    def work(self, run: Run) -> None:
        while drive(run.id):
            pass

    def until_death(self, points: list[F], work: Callable[[], object], nth: int = 1) -> None:
        """Do ``work`` in a process that dies at one of the points, if it comes by."""
        left = nth

        def act(here: F) -> None:
            nonlocal left
            left -= here in points
            if here in points and left == 0:
                raise Died

        try:
            with acting(act):
                work()
        except Died:
            self.bury()
        except DomainError:
            pass

    def bury(self) -> None:
        """Let every process so far count as dead, and this one be another."""
        Worker.objects.update(heartbeat_at=ClockTimestamp() - LONG_AGO)
        workers.heartbeat()

    def open_requests(self, run: Run):
        return Request.objects.open().filter(run_id=run.id).select_related("action__tool")

    def undecided(self, run: Run):
        """Return the open requests about actions."""
        return self.open_requests(run).filter(kind=RequestKind.ACTION)

    def say(self, request: Request, kind: str) -> None:
        for person in (self.office.cast.reviewer, self.office.cast.finance):
            if Request.objects.waiting_for(person).filter(pk=request.pk).exists():
                said = {"reject": {"reason": "No."}, "edit": {"arguments": edited(request.action.arguments)}}
                if request.kind == RequestKind.BUDGET:
                    said = {"approve": {"steps": 100}}
                with suppress(DomainError):
                    self.office.answer(request, kind, by=person, **said.get(kind, {}))
                return

    def find_out(self, request: Request) -> None:
        """Look at the outside system's own log, and say what is there."""
        happened = self.effects().of(request.action.idempotency_key)
        with suppress(DomainError):
            self.office.answer(request, by=self.office.cast.finance, settlement="happened" if happened else "retry")

    def effects(self) -> Effects:
        rows = self.office.crm.connection.execute("SELECT session FROM changes").fetchall()
        keys = [message["X-Countersign-Action"] for message in self.office.mailbox.messages]
        return Effects(Counter(row["session"] for row in rows), Counter(keys))

    def live(self):
        return Run.objects.filter(pk__in=[run.id for run in self.own]).exclude(status__in=RUN_TERMINAL)

    def all_over(self) -> bool:
        waiting = Request.objects.open().filter(run_id__in=[run.id for run in self.own])
        return not self.live().exists() and not waiting.exists()
