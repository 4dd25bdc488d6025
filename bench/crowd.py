"""``crowd``: how long every page and every list takes a reviewer and an owner with 10,000 runs in the workspace."""

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from agents.models import Run, Step
from agents.operations import preview_rollback
from bench.asking import asked
from bench.figures import figure
from bench.volume import analyse, counts, multiply
from memory.models import Session
from tools.models import Action

TIMES = 12
RUNS, STEPS = 10_000, 100_000
OPEN = 100
"""How many times the run that waits is repeated: a queue that nobody could keep up with."""


def measure(office: Any) -> list[dict[str, Any]]:
    """Fill the desk's workspace and return p50, p95 and statements of each page for each person."""
    done, waiting = fill(office)
    lines = [figure("crowd", f"rows: {name}", number, "1") for name, number in counts().items()]
    for who in ("owner", "reviewer"):
        client = Client()
        client.force_login(office.cast[who], backend="django.contrib.auth.backends.ModelBackend")
        for address in addresses(client, office, done, waiting):
            lines.append(measured(client, who, address))
    return lines


def fill(office: Any) -> tuple[Run, Run]:
    """Carry out a run that ends and one that waits, repeat them, and return the two."""
    done = office.start(f"Please upgrade {office.crm.anybody('standard')['email']} to tier gold.")
    for _ in range(5):
        for request in office.requests(done):
            office.answer(request)
        office.rest(done)
    done.refresh_from_db()
    if done.status != "succeeded":
        raise SystemExit(f"bench: the run that should have ended is {done.status}: {done.explanation}")
    waiting = office.start(f"Please upgrade {office.crm.anybody('standard')['email']} to tier gold.")
    preview_rollback(run_id=done.id, by=office.cast.owner)
    steps = Step.objects.filter(run_id=done.id).count()
    multiply([waiting], OPEN)
    multiply([done], max(RUNS, STEPS // steps))
    analyse()
    return done, waiting


def addresses(client: Client, office: Any, done: Run, waiting: Run) -> list[str]:
    """Return what is asked for: first and deep pages, filters, searches, single rows."""
    month = (datetime.now(UTC) - timedelta(days=30)).date()
    request = office.requests(waiting)[0].id
    action = Action.objects.filter(run_id=done.id).first().id
    agent, session = office.desk.agent, done.session_id or Session.objects.values_list("id", flat=True).first()
    pages = [
        "/inbox/",
        "/inbox/?mine=1",
        f"/requests/{request}/",
        "/runs/",
        "/runs/?status=waiting",
        "/runs/?q=upgrade",
    ]
    pages += ["/runs/?q=nothinglikethat", f"/runs/{done.id}/", f"/runs/{waiting.id}/", "/runs/new/", "/agents/"]
    pages += [f"/agents/{agent.name}/", f"/agents/{agent.name}/worth/", "/pauses/", f"/sessions/{session}/", "/ledger/"]
    pages += [f"/usage/?days=30&by={by}" for by in ("day", "agent", "customer", "run")]
    lists = ["runs/", "runs/?status=succeeded", "runs/?status=waiting", "actions/", "actions/?status=succeeded"]
    lists += ["requests/", "requests/?status=open", "requests/?status=approved", "sessions/", "pauses/", "agents/"]
    lists += [f"actions/?run={done.id}", f"requests/?run={waiting.id}", f"runs/{done.id}/steps/", "events/", "seals/"]
    lists += [f"runs/{done.id}/", f"runs/{done.id}/usage/", f"runs/{done.id}/rollbacks/", f"actions/{action}/"]
    lists += [f"requests/{request}/", f"sessions/{session}/messages/", "queues/", "facts/", "collections/", "tools/"]
    lists += [f"usage/?since={month}&group_by={by}" for by in ("day", "agent", "customer", "run", "step")]
    lists += [f"economics/?since={month}", "webhooks/", "policies/", "connections/", "budgets/", "rates/", "me/"]
    found = pages + [f"/api/v1/{path}" for path in lists]
    deep = [deep_page(client, f"/api/v1/{path}") for path in ("runs/", "actions/", "requests/", "events/", "sessions/")]
    return [address for address in found + deep if client.get(address).status_code == 200]


def deep_page(client: Client, address: str) -> str:
    """Return the 21st page of a list, or the last."""
    for _ in range(20):
        answer = client.get(address)
        following = answer.json().get("next") if answer.status_code == 200 else None
        if not following:
            break
        address = following.removeprefix("http://testserver")
    return address


def measured(client: Client, who: str, address: str) -> dict[str, Any]:
    """Return what one address takes."""
    took, statements = asked(client, address, TIMES)
    cuts = statistics.quantiles(took[1:], n=20, method="inclusive")
    name = address.split("cursor=")[0] + ("cursor=…" if "cursor=" in address else "")
    return figure(
        "crowd", f"{who}: {name}", cuts[18], "ms p95", p50=statistics.median(took[1:]), statements=statements[-1]
    )
