"""Addresses of pages that live on higher floors: a floor may point up, though it imports nothing from there.

By path, since a page's name belongs to its own floor. A test holds every one of them against the URL map.
"""

from uuid import UUID

RUNS = "/runs/"
AGENTS = "/agents/"
USAGE = "/usage/"
BUDGETS = "/budgets/"
WEBHOOKS = "/webhooks/"
INBOX = "/inbox/"
LEDGER = "/ledger/"
PAUSES = "/pauses/"
NEW_RUN = "/runs/new/"
EVENTS = "/live/"


def run_url(run_id: UUID | str) -> str:
    """Return the address of a run's page."""
    return f"{RUNS}{run_id}/"


def action_url(run_id: UUID | str, action_id: UUID | str) -> str:
    """Return the place on a run's page where one of its actions stands."""
    return f"{RUNS}{run_id}/#item-{action_id}"


def agent_url(agent_id: UUID | str) -> str:
    """Return the address of an agent's page."""
    return f"{AGENTS}{agent_id}/"


def request_url(request_id: UUID | str) -> str:
    """Return the address of a request's page."""
    return f"/requests/{request_id}/"


SUBJECTS = {"run": run_url, "agent": agent_url, "request": request_url}


def subject_url(kind: str, subject_id: str) -> str:
    """Return the page of something that the ledger names, empty where it has none."""
    return SUBJECTS[kind](subject_id) if kind in SUBJECTS else ""
