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
PEOPLE = "/people/"
TEAMS = "/teams/"
NEW_RUN = "/runs/new/"
EVENTS = "/live/"
KNOWLEDGE = "/knowledge/"
FACTS = "/facts/"


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


def passage_url(document_id: UUID | str, chunk_id: UUID | str) -> str:
    """Return the place on a document's page where one of its passages stands."""
    return f"/documents/{document_id}/?passage={chunk_id}#passage-{chunk_id}"


def document_url(document_id: UUID | str) -> str:
    """Return the address of a document's page."""
    return f"/documents/{document_id}/"


def collection_url(collection_id: UUID | str) -> str:
    """Return the address of a collection's page."""
    return f"{KNOWLEDGE}{collection_id}/"


def fact_url(fact_id: UUID | str) -> str:
    """Return the address of a fact's page."""
    return f"{FACTS}{fact_id}/"


def person_url(user_id: UUID | str) -> str:
    """Return the address of a person's page, which owners of the workspace may open."""
    return f"{PEOPLE}{user_id}/"


def team_url(team_id: UUID | str) -> str:
    """Return the address of a team's page."""
    return f"{TEAMS}{team_id}/"


SUBJECTS = {"run": run_url, "agent": agent_url, "request": request_url}


def subject_url(kind: str, subject_id: str) -> str:
    """Return the page of something that the ledger names, empty where it has none."""
    return SUBJECTS[kind](subject_id) if kind in SUBJECTS else ""
