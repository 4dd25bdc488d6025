"""``pages``: how long the console's pages take a reviewer, and how many statements: in process, without a network."""

import statistics
from typing import Any

from django.test import Client

from agents.engine.drive import drive
from agents.operations import start_run
from bench.asking import asked
from bench.figures import figure

WAITING = 20
TIMES = 30


def measure(office: Any) -> list[dict[str, Any]]:
    """Return p50 and p95 of each page, with as many requests waiting as a busy inbox shows."""
    run = None
    for _ in range(WAITING):
        text = f"Please upgrade {office.crm.anybody('standard')['email']} to tier gold."
        run = start_run(agent_id=office.desk.agent.id, text=text, by=office.cast.owner)
        while drive(run.id):
            pass
    request = office.request_for(run, "crm.customer.update")
    pages = {
        "inbox": "/inbox/",
        "request": f"/requests/{request.id}/",
        "runs": "/runs/",
        "run": f"/runs/{run.id}/",
    }
    client = Client()
    client.force_login(office.cast.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    return [line for name, address in pages.items() for line in _page(client, name, address)]


def _page(client: Client, name: str, address: str) -> list[dict[str, Any]]:
    took, statements = asked(client, address, TIMES)
    cuts = statistics.quantiles(took[1:], n=20, method="inclusive")
    return [
        figure("pages", f"{name}: p50", statistics.median(took[1:]), "ms", p95=cuts[18], first=took[0]),
        figure("pages", f"{name}: statements", statements[-1], "1", most=max(statements[1:])),
    ]
