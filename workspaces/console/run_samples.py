"""Sample runs, agents, rollbacks and ledger lines for ``/components/``. See ``samples``."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from workspaces.console import differences
from workspaces.console.run_shapes import (
    AgentPage,
    AgentRow,
    EventRow,
    Filter,
    InFlight,
    OpenRequest,
    Option,
    Pager,
    RollbackLine,
    RollbackPreview,
    RunPage,
    RunRow,
    SealRow,
    ToolRow,
    UsageRow,
    Why,
    Worth,
)
from workspaces.console.samples import BIDI, DIGEST, HERE, HTML, ID, LONG_WORD, ago, pauses, ticket, words
from workspaces.console.shapes import TimelineItem
from workspaces.console.told_shapes import ToldPage, ToldRow

STATUSES = ("waiting", "running", "queued", "succeeded", "failed", "cancelled")


def run_row(number: int = 0, *, status: str = "") -> RunRow:
    """Return one run; the number chooses its state and its awkwardness."""
    odd = "住所を変更"
    titles = ("Move C-1042 to gold and confirm", BIDI + HTML, "Where is my order 88-1201?", LONG_WORD, odd, "Refund")
    status = status or STATUSES[number % 6]
    return RunRow(
        id=str(ID), url=f"{HERE}run/", title=titles[number % 6], agent="sample-agent", status=status,
        at=ago(minutes=4 + 50 * number), steps=3 + number, took=timedelta(seconds=3.2 * (1 + number) ** 3),
        cost=None if number % 6 == 4 else Decimal("0.0184") * (1 + number), currency="USD", paused=number == 1,
        kind="rollback" if number == 5 else "task", mode="simulated" if number == 2 else "live",
        rolled_back="partly" if number == 3 else "", waits_for="2 requests" if status == "waiting" else "",
    )  # fmt: skip


def run_rows(count: int = 6) -> list[RunRow]:
    """Return runs in every state."""
    return [run_row(number) for number in range(count)]


def filters() -> tuple[Filter, ...]:
    """Return a choice and a search field."""
    options = (Option(value="", label="Any status", selected=True), Option(value="waiting", label="Waiting"))
    return (Filter(name="status", label="Status", options=options), Filter(name="q", label="Task contains"))


def pager() -> Pager:
    """Return a pager in the middle of a long list."""
    return Pager(shown=25, total=1_318, previous_url=HERE, next_url=HERE)


def in_flight() -> tuple[InFlight, ...]:
    """Return an action that had left."""
    return (InFlight(title="Send an e-mail to ada@example.com", status="executing", since=ago(seconds=12), url=HERE),)


def timeline() -> tuple[TimelineItem, ...]:
    """Return the steps of one run, of every kind and most states."""
    second = timedelta(seconds=1)
    return (
        TimelineItem(title="Model call", kind="step", value="succeeded", icon="model", at=ago(minutes=14), key="s1",
                     took=2.4 * second, words=words(), cost=Decimal("0.0061"), currency="USD", costed=True,
                     told_url=HERE),
        TimelineItem(title="Look up customer C-1042", kind="action", value="succeeded", icon="read", at=ago(minutes=14),
                     key="s2", took=0.034 * second, effect="read", data={"customer_id": "C-1042"}),
        TimelineItem(title="Change the tier of Ada Example", kind="action", value="succeeded", icon="tools",
                     at=ago(minutes=9), key="s3", took=0.21 * second, effect="reversible", proof="verified", attempts=2,
                     by="finance@example.com", changes=differences.fields({"tier": "silver"}, {"tier": "gold"})),
        TimelineItem(title="Change the discount of Ada Example", kind="action", value="rejected", icon="tools",
                     at=ago(minutes=8), key="s4", by="reviewer@example.com", note="Gold includes no extra discount."),
        TimelineItem(title="Send an e-mail to bob@example.com", kind="action", value="in_doubt", icon="send",
                     at=ago(minutes=7), key="s5", effect="irreversible", url=HERE,
                     facts=(("Sent", "yes"), ("Answer", "none: the connection closed"))),
        TimelineItem(title="Model call", kind="step", value="failed", icon="model", at=ago(minutes=5), key="s6",
                     attempts=3, took=61 * second, costed=True, note="The provider answered 529 each time."),
        TimelineItem(title="Send an e-mail to ada@example.com", kind="action", value="in_review", icon="send",
                     at=ago(minutes=2), key="s7", effect="irreversible", url=f"{HERE}request/"),
    )  # fmt: skip


def run_page(state: str = "waiting") -> RunPage:
    """Return a run page: ``waiting``, ``queued``, ``paused``, ``failed`` or ``succeeded``."""
    status = "running" if state == "paused" else state
    ended = state in ("failed", "succeeded")
    return RunPage(
        row=run_row(0, status=status), task=ticket().text, sender="ada@example.com", agent_url=f"{HERE}agent/",
        version="4", route="sample-model-1", timeline=() if state == "queued" else timeline(), session_url=HERE,
        why_waits="A person must decide." if state == "waiting" else "",
        why=(whys() if state == "queued" else ()),
        waits_for=open_requests() if state == "waiting" else (), ended_at=ago(minutes=1) if ended else None,
        tokens_in=5_310, tokens_out=420,
        outcome="The tier is gold. The confirmation waits for approval." if state == "succeeded" else "",
        error="The run reached its limit of 12 steps." if state == "failed" else "",
        error_hint="Read the last steps; extend the limit if it was on its way." if state == "failed" else "",
        step_limit=12, budget=Decimal("0.50"), in_flight=in_flight() if state == "paused" else (),
        pauses=pauses()[1:] if state == "paused" else (), pause_url="" if ended else HERE,
        cancel_url="" if ended else HERE, extend_url=HERE if state == "failed" else "",
        rollback_url=f"{HERE}rollback/" if state != "queued" else "", rollbacks=[run_row(5)] if ended else (),
    )  # fmt: skip


def whys() -> tuple[Why, ...]:
    """Return why a run is where it is: an endpoint that is left alone, and a turn that comes."""
    return (
        Why(
            word="Waits for a model's endpoint",
            sentence="sample-model-1 (models) has failed again and again, so it is left alone for a moment.",
            hint="Add an endpoint to the model route, or raise the limit that is named.",
            until=ago(minutes=-1),
        ),
        Why(
            word="Waits for its turn",
            sentence="Step 3 waits for a free worker. 12 other steps were due before it.",
            hint="Start more workers if this lasts; look at the broker if workers are idle.",
            since=ago(minutes=2),
            moves=True,
        ),
    )


def open_requests() -> tuple[OpenRequest, ...]:
    """Return what a run waits for: an action, and the settlement of another one."""
    url = f"{HERE}request/"
    return (
        OpenRequest(title="Did the e-mail to bob@example.com leave?", url=url, kind="Settle", at=ago(minutes=7)),
        OpenRequest(
            title="Send an e-mail to ada@example.com: “Your new tier”", url=url, kind="Action", at=ago(minutes=2)
        ),
    )


def rollback_preview() -> RollbackPreview:
    """Return a preview with every fate."""
    back = differences.fields({"tier": "gold"}, {"tier": "silver"})
    drift = differences.fields({"city": "Aachen"}, {"city": "Köln"})
    return RollbackPreview(
        run=str(ID), run_url=f"{HERE}run/", at=ago(seconds=8), digest=DIGEST, confirm_url=HERE,
        lines=(
            RollbackLine(title="Change the tier of Ada Example", fate="restored", changes=back,
                         sentence="Sets tier back to silver; nobody has changed it since."),
            RollbackLine(title="Change the city of Ada Example", fate="drifted", changes=drift,
                         sentence="Somebody changed the city after the run. It is left alone."),
            RollbackLine(title="Refund order 88-1201", fate="compensation",
                         sentence="Charges 1,240.50 EUR again. The customer sees both bookings."),
            RollbackLine(title="Send an e-mail to ada@example.com", fate="impossible",
                         sentence="An e-mail that has left cannot be called back."),
        ),
    )  # fmt: skip


def agent_row(name: str = "sample-agent", *, paused: bool = False) -> AgentRow:
    """Return one agent."""
    goal = "Reads tickets, looks customers up, and proposes changes in the CRM and replies by e-mail."
    return AgentRow(
        name=name, url=f"{HERE}agent/", goal=goal, version="4", route="default", tools=3, runs=128,
        last_run_at=ago(minutes=4), paused=paused, demo=True,
    )  # fmt: skip


def agent_page() -> AgentPage:
    """Return an agent with tools, limits, versions and runs."""
    return AgentPage(
        row=agent_row(), instructions=ticket().text * 4, new_run_url=f"{HERE}run-new/", pause_url=HERE,
        runs=run_rows(3),
        tools=(
            ToolRow(name="crm.find_customer", title="Find a customer", effect="read", egress=False,
                    idempotency="Not needed", connection="CRM"),
            ToolRow(name="crm.update_customer", title="Change a customer", effect="reversible", egress=False,
                    idempotency="Compare-and-set at the system", connection="CRM"),
            ToolRow(name="mail.send", title="Send an e-mail", effect="irreversible", egress=True,
                    idempotency="We can find out whether it happened", connection="Mail"),
        ),
        worth=worth(),
        limits=(("Steps a run", "12"), ("Money a run", "0.50 USD"), ("Time a run", "2 h")),
        versions=(("4", ago(days=2), "Asks before it changes an address."), ("3", ago(days=30), "")),
    )  # fmt: skip


def worth() -> Worth:
    """Return what an agent's work cost and was worth, with a cost that nobody knows."""
    spent = (("Models", "3.71"), ("Retries", "0.12"), ("Tools", "1.50"), ("Reviewers", "18.20"))
    notes = {"Reviewers": "30.3 min in 41 decisions, at most 15 each"}
    return Worth(
        days=30, currency="USD", runs=128, succeeded=96, verified=90, cost=Decimal("23.53"),
        costs=[(name, Decimal(amount), notes.get(name, "")) for name, amount in spent],
        per_success=Decimal("0.261444"), value=Decimal("6.50"), margin=Decimal("561.47"),
        missing="Not known, so not in these costs: the price of 4 model calls.",
    )  # fmt: skip


def usage_rows() -> list[UsageRow]:
    """Return what some days used, the last line being all of them."""
    days = [("2026-03-02", 12, 0), ("2026-03-01", 40, 3), ("All of it", 52, 3)]
    return [
        UsageRow(
            label=day, runs=runs, calls=3 * runs, tokens_in=9_120 * runs, tokens_out=411 * runs,
            cost=Decimal("0.0415") * runs, currency="USD", unpriced=unpriced,
        )
        for day, runs, unpriced in days
    ]  # fmt: skip


def told_page() -> ToldPage:
    """Return what a model call was told: trusted and not, long, hostile, shortened and forgotten."""
    parts = (
        ("goal", "trusted", "Help customers of the shop.", False), ("ticket", "untrusted", ticket().text, False),
        (f"session: {LONG_WORD}", "untrusted", BIDI + HTML, True), ("memory: language", "untrusted", None, False),
        ("refund, in review", "trusted", "- refund (2026-03-02) in review", False),
        ("crm.customer.find (step 2)", "untrusted", '{"rows": []} ' * 400, True),
    )  # fmt: skip
    rows = [
        ToldRow(
            key=f"part-{place}", part=part, trust=trust, tokens=len(text or "") // 4, text=text, shortened=shortened
        )
        for place, (part, trust, text, shortened) in enumerate(parts)
    ]
    limits, title = "session 4,000, facts 1,500, results 60,000", "What the model was told"
    return ToldPage(title=title, back_url=HERE, back=HTML, tokens=4_321, limits=limits, rows=rows, pager=pager())


def event_rows(count: int = 8) -> list[EventRow]:
    """Return ledger lines, the newest not yet sealed."""
    verbs = ("action.succeeded", "decision.approved", "request.opened", "action.proposed", "run.started", "run.paused")
    return [
        EventRow(
            at=ago(minutes=1 + 3 * number), actor="finance@example.com" if number % 2 else "sample-agent",
            verb=verbs[number % 6], subject=verbs[number % 6].split(".")[0], subject_id=str(ID), digest=DIGEST,
            subject_url=f"{HERE}run/", seal=None if number < 2 else 412 - number // 4, seal_url="#seals",
        )
        for number in range(count)
    ]  # fmt: skip


def seal_rows() -> tuple[SealRow, ...]:
    """Return seals of every proof."""
    return (
        SealRow(number=412, at=ago(minutes=2), events=31, root=DIGEST, proof="signed", witness="lacking"),
        SealRow(number=411, at=ago(minutes=9), events=118, root=DIGEST, witness="held"),
        SealRow(number=410, at=ago(hours=2), events=4, root=DIGEST, proof="broken", witness="differs"),
    )


def workflow() -> list[dict[str, Any]]:
    """Return a workflow in the middle of a run, as ``components/workflow.html`` shows it."""

    def node(name: str, kind: str, does: str, *ways: tuple[str, str], **more: Any) -> dict[str, Any]:
        told = [{"when": when, "to": to} for when, to in ways]
        return {"id": name, "kind": kind, "does": does, "ways": told, "inner": (), "state": "", "steps": 0, **more}

    inner = [node("read", "model", "What is it about?", ("then", "the end"), state="succeeded", steps=7)]
    return [
        node("each", "map", "For each of nodes.lines.output, 4 at once; all of them have to succeed", ("then", "large"),
             inner=[("For each item", inner)], state="succeeded", steps=1),
        node("large", "branch", "Chooses a way", ("if nodes.sum.output > 500", "form"), ("otherwise", "refund"),
             state="succeeded", steps=1),
        node("form", "person", "Asks people: How much may the customer get back?", ("then", "refund"),
             ("on failure", "refund"), ("when time is up", "refund"), state="waiting", steps=1),
        node("refund", "action", "Proposes payments.refund (at most 3 visits)", ("then", "the end")),
    ]  # fmt: skip
