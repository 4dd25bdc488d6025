"""Every route of the API, by every method, for every person."""

from decimal import Decimal

import pytest
from django.urls import URLPattern, get_resolver, reverse
from rest_framework.test import APIClient

from agents.operations import cancel_run, create_schedule, preview_rollback, set_up_budget
from agents.operations.pausing import pause_scope, release_pause
from approvals.models import Policy, Request, ReviewQueue
from audit.operations import create_endpoint, ping, update_endpoint
from memory.models import Session
from memory.operations.facts import Origin, Subject, claim_fact
from tests.factories import SETUP, make_person, make_team
from tests.integration.knowledge.conftest import collection, document
from tools.models import Action
from workspaces.operations import teams
from workspaces.operations.invitations import invite
from workspaces.operations.keys import issue_key, revoke_key

pytestmark = pytest.mark.django_db

PEOPLE = ["owner", "reviewer", "finance", "service", "member", "stranger"]
EVERYBODY = [200] * 6
WORKERS = [200, 200, 200, 200, 404, 404]
REVIEWERS = [200, 200, 200, 404, 404, 404]
OWNERS = [200, 403, 403, 403, 403, 200]
OWN_ROW = [200, 403, 403, 403, 403, 404]
READERS = [200, 200, 404, 200, 404, 404]


def instead(row, found):
    """Return ``row`` with another answer for those whom it lets in."""
    return [found if status == 200 else status for status in row]


MATRIX = {
    ("api-agents", "get"): EVERYBODY,
    ("api-agents", "post"): instead(OWNERS, 422),
    ("api-agent", "get"): WORKERS,
    ("api-agent", "patch"): [422, 403, 403, 403, 404, 404],
    ("api-agent-versions", "get"): WORKERS,
    ("api-agent-versions", "post"): [422, 403, 403, 403, 404, 404],
    ("api-agent-overlays", "get"): WORKERS,
    ("api-agent-overlays", "post"): [422, 403, 403, 403, 404, 404],
    ("api-agent-effective", "get"): WORKERS,
    ("api-run-effective", "get"): WORKERS,
    ("api-budgets", "get"): OWNERS,
    ("api-budgets", "post"): instead(OWNERS, 422),
    ("api-budget", "get"): OWN_ROW,
    ("api-budget", "patch"): instead(OWN_ROW, 422),
    ("api-usage-report", "get"): EVERYBODY,
    ("api-economics", "get"): EVERYBODY,
    ("api-rates", "get"): OWNERS,
    ("api-rates", "post"): instead(OWNERS, 422),
    ("api-routes", "get"): OWNERS,
    ("api-routes", "post"): instead(OWNERS, 422),
    ("api-route", "get"): OWN_ROW,
    ("api-route", "patch"): instead(OWN_ROW, 422),
    ("api-runs", "get"): EVERYBODY,
    ("api-runs", "post"): instead(WORKERS, 422),
    ("api-run", "get"): WORKERS,
    ("api-steps", "get"): WORKERS,
    ("api-usage", "get"): WORKERS,
    ("api-cancel", "post"): instead(WORKERS, 409),
    ("api-retry", "post"): instead(WORKERS, 409),
    ("api-fork", "get"): WORKERS,
    ("api-fork", "post"): instead(WORKERS, 422),
    ("api-go-live", "post"): [409, 409, 409, 403, 404, 404],
    ("api-rollbacks", "get"): WORKERS,
    ("api-rollbacks", "post"): instead(WORKERS, 422),
    ("api-confirm", "post"): instead(WORKERS, 409),
    ("api-schedules", "get"): EVERYBODY,
    ("api-schedules", "post"): instead(WORKERS, 422),
    ("api-schedule", "get"): WORKERS,
    ("api-schedule", "patch"): instead(WORKERS, 422),
    ("api-schedule", "delete"): [200, 403, 403, 403, 404, 404],
    ("api-actions", "get"): EVERYBODY,
    ("api-action", "get"): WORKERS,
    ("api-pauses", "get"): EVERYBODY,
    ("api-pauses", "post"): instead(EVERYBODY, 422),
    ("api-release", "post"): instead(WORKERS, 409),
    ("api-signals", "post"): instead(EVERYBODY, 422),
    ("api-sessions", "get"): EVERYBODY,
    ("api-session", "get"): WORKERS,
    ("api-messages", "get"): WORKERS,
    ("api-facts", "get"): EVERYBODY,
    ("api-fact", "get"): WORKERS,
    ("api-fact", "patch"): instead(WORKERS, 422),
    ("api-fact", "delete"): instead(WORKERS, 409),  # a rollback of a run about the same customer is shown, and waits
    ("api-used-facts", "get"): WORKERS,
    ("api-context", "get"): WORKERS,
    ("api-requests", "get"): EVERYBODY,
    ("api-request", "get"): REVIEWERS,
    ("api-deciders", "get"): REVIEWERS,
    ("api-decisions", "get"): REVIEWERS,
    ("api-decisions", "post"): instead(REVIEWERS, 409),
    ("api-queues", "get"): EVERYBODY,
    ("api-queues", "post"): instead(OWNERS, 422),
    ("api-queue", "get"): [200, 404, 404, 200, 404, 404],
    ("api-queue", "patch"): [422, 404, 404, 403, 404, 404],
    ("api-policies", "get"): OWNERS,
    ("api-policies", "post"): instead(OWNERS, 422),
    ("api-policy-activate", "post"): instead(OWN_ROW, 409),
    ("api-policy", "get"): OWN_ROW,
    ("api-policy-versions", "get"): OWN_ROW,
    ("api-tools", "get"): OWNERS,
    ("api-tools", "post"): instead(OWNERS, 422),
    ("api-tool", "get"): OWN_ROW,
    ("api-tool", "patch"): instead(OWN_ROW, 422),
    ("api-connections", "get"): EVERYBODY,
    ("api-connections", "post"): instead(OWNERS, 422),
    ("api-connection", "get"): READERS,
    ("api-connection", "patch"): [422, 403, 404, 422, 404, 404],
    ("api-events", "get"): OWNERS,
    ("api-seals", "get"): OWNERS,
    ("api-webhooks", "get"): OWNERS,
    ("api-webhooks", "post"): instead(OWNERS, 422),
    ("api-webhook", "get"): OWN_ROW,
    ("api-webhook", "patch"): instead(OWN_ROW, 422),
    ("api-webhook-rotate", "post"): instead(OWN_ROW, 422),
    ("api-webhook-ping", "post"): instead(OWN_ROW, 409),
    ("api-webhook-redeliver", "post"): instead(OWN_ROW, 422),
    ("api-deliveries", "get"): OWN_ROW,
    ("api-delivery-redeliver", "post"): instead(OWN_ROW, 409),
    ("api-webhook", "delete"): [204, 403, 403, 403, 403, 404],
    ("api-members", "get"): OWNERS,
    ("api-member", "get"): OWN_ROW,
    ("api-member", "patch"): instead(OWN_ROW, 422),
    ("api-member-disable", "post"): OWN_ROW,
    ("api-member-enable", "post"): OWN_ROW,
    ("api-member", "delete"): [204, 403, 403, 403, 403, 404],
    ("api-invitations", "get"): OWNERS,
    ("api-invitations", "post"): instead(OWNERS, 422),
    ("api-invitation-withdraw", "post"): OWN_ROW,
    ("api-invitation-repeat", "post"): instead(OWN_ROW, 409),
    ("api-teams", "get"): OWNERS,
    ("api-teams", "post"): instead(OWNERS, 422),
    ("api-team-members", "get"): OWN_ROW,
    ("api-team-members", "post"): instead(OWN_ROW, 422),
    ("api-team-member", "delete"): [204, 403, 403, 403, 403, 404],
    ("api-grants", "get"): OWN_ROW,
    ("api-grants", "post"): instead(OWN_ROW, 422),
    ("api-grant", "delete"): [204, 403, 403, 403, 403, 404],
    ("api-service-accounts", "get"): OWNERS,
    ("api-service-accounts", "post"): instead(OWNERS, 422),
    ("api-keys", "get"): OWN_ROW,
    ("api-keys", "post"): instead(OWN_ROW, 422),
    ("api-key-revoke", "post"): instead(OWN_ROW, 409),
    ("api-collections", "get"): EVERYBODY,
    ("api-collections", "post"): instead(OWNERS, 422),
    ("api-collection", "get"): READERS,
    ("api-documents", "get"): READERS,
    ("api-documents", "post"): [422, 403, 404, 422, 404, 404],
    ("api-document", "get"): READERS,
    ("api-document", "patch"): [422, 403, 404, 422, 404, 404],
    ("api-document-index", "post"): [409, 403, 404, 409, 404, 404],
    ("api-passages", "get"): READERS,
    ("api-collection-search", "post"): READERS,
    ("api-reembedding", "get"): [404] * 6,
    ("api-reembedding", "post"): [422, 403, 404, 403, 404, 404],
    ("api-reembedding", "delete"): [404, 403, 404, 403, 404, 404],
    ("api-search", "post"): EVERYBODY,
    ("api-document", "delete"): [204, 404, 404, 404, 404, 404],
    ("api-me", "get"): EVERYBODY,
    ("openapi", "get"): EVERYBODY,
}
BODIES = {
    "api-runs": {"agent": "support-desk", "text": " "},
    "api-schedules": {"agent": "support-desk", "text": "Hello", "cron": "x", "time_zone": "UTC"},
    "api-rollbacks": {"action": "x"},
    "api-webhook-rotate": {"overlap_hours": -1},
    "api-confirm": {"plan_digest": "0" * 64},
    "api-decisions": {"kind": "approve", "seen": "0" * 64},
    "api-collection-search": {"query": "refund"},
    "api-search": {"query": "refund"},
}


@pytest.fixture
def rows(desk):
    """The rows that the routes are about: a cancelled run, its preview of a rollback, and a pause that was released."""
    by = desk.cast.reviewer
    run = desk.start(f"Please upgrade {desk.crm.anybody('standard')['email']} to tier gold.")
    cancel_run(run_id=run.id, by=by)
    agent = desk.desk.agent
    pause = pause_scope(workspace=desk.cast.workspace, scope_kind="agent", scope_id=agent.id, reason="Look", by=by)
    release_pause(pause=pause, by=by)
    service = desk.cast.service
    spare = issue_key(workspace=desk.cast.workspace, account=service, name="spare", by=desk.cast.owner).key
    revoke_key(key=spare, by=desk.cast.owner)
    hook = create_endpoint(workspace=desk.cast.workspace, url="https://example.org/", by=desk.cast.owner).endpoint
    pinged = ping(endpoint=hook, by=desk.cast.owner)
    update_endpoint(endpoint=hook, is_enabled=False, by=desk.cast.owner)
    policies = knowledge(desk.cast)
    teams.grant(team=desk.cast.reviewers, codename="use_connection", target=desk.desk.crm, by=SETUP)
    teams.grant(team=desk.cast.operators, codename="manage_connection", target=desk.desk.crm, by=SETUP)
    queue = ReviewQueue.objects.create(workspace=desk.cast.workspace, name="spare", title="Spare")
    return {
        "webhook": hook.id,
        "delivery": pinged.id,
        "collection": policies.id,
        "document": document(policies, b"Refunds take a week.", media_type="text/plain").id,
        "agent": agent.id,
        "run": run.id,
        "confirm": preview_rollback(run_id=run.id, by=by).id,
        "schedule": scheduled(agent, desk.cast.owner).id,
        "action": Action.objects.filter(run_id=run.id).first().id,
        "pause": pause.id,
        "session": Session.objects.get().id,
        "context": run.steps.filter(kind="model").first().id,
        "fact": remembered(Session.objects.get()).id,
        "request": Request.objects.first().id,
        "policy": Policy.objects.get().id,
        "policy-activate": Policy.objects.get().versions.get().id,
        "budget": workspace_budget(desk.cast.workspace).id,
        "tool": desk.desk.send.id,
        "route": desk.desk.agent.current_version.route_id,
        "connection": desk.desk.crm.id,
        "account": desk.cast.service.id,
        "key": spare.id,
        "member": make_person("spare", desk.cast.workspace).id,
        "invitation": invite(workspace=desk.cast.workspace, email="new@example.com", by=desk.cast.owner).id,
        "team": spare_team(desk.cast, queue).id,
        "queue": queue.id,
    }


def spare_team(cast, queue):
    """A team of its own of the service account, which may see the requests of the queue."""
    team = make_team(cast.workspace, "Spare", cast.service)
    teams.grant(team=team, codename="view_reviewqueue", target=queue, by=SETUP)
    return team


def workspace_budget(workspace):
    """A budget that nothing in these tests uses up."""
    many = Decimal(10**9)
    return set_up_budget(workspace=workspace, scope_kind="workspace", unit="tokens", limit=many, by=SETUP)


def scheduled(agent, owner):
    """A schedule that the owner made."""
    return create_schedule(agent_id=agent.id, text="Hello", cron="0 8 * * *", time_zone="UTC", by=owner)


def remembered(session):
    """A fact about the session's subject."""
    subject = Subject(session.workspace_id, session.agent_id, session.subject_kind, session.subject_ref)
    return claim_fact(subject=subject, key="diet", value="vegan", origin=Origin("a person", "trusted"), by=SETUP)


def knowledge(cast):
    """A collection that reviewers read and the service account manages."""
    made = collection(cast)
    teams.grant(team=cast.reviewers, codename="view_collection", target=made, by=SETUP)
    teams.grant(team=cast.operators, codename="manage_collection", target=made, by=SETUP)
    return made


KIND = {
    "api-documents": "collection",
    "api-collection-search": "collection",
    "api-reembedding": "collection",
    "api-document-index": "document",
    "api-passages": "document",
    "api-agent-versions": "agent",
    "api-agent-overlays": "agent",
    "api-agent-effective": "agent",
    "api-run-effective": "run",
    "api-steps": "run",
    "api-usage": "run",
    "api-used-facts": "run",
    "api-cancel": "run",
    "api-retry": "run",
    "api-fork": "run",
    "api-go-live": "run",
    "api-rollbacks": "run",
    "api-release": "pause",
    "api-messages": "session",
    "api-deciders": "request",
    "api-decisions": "request",
    "api-policy-versions": "policy",
    "api-webhook-rotate": "webhook",
    "api-webhook-ping": "webhook",
    "api-webhook-redeliver": "webhook",
    "api-deliveries": "webhook",
    "api-delivery-redeliver": "delivery",
    "api-keys": "account",
    "api-key-revoke": "key",
    "api-member-disable": "member",
    "api-member-enable": "member",
    "api-invitation-withdraw": "invitation",
    "api-invitation-repeat": "invitation",
    "api-team-members": "team",
    "api-team-member": "team",
    "api-grants": "team",
    "api-grant": "team",
}
FURTHER = {
    "api-retry": ["context"],
    "api-team-member": ["account"],
    "api-grants": ["reviewqueue"],
    "api-grant": ["reviewqueue", "queue", "view_reviewqueue"],
}
"""What else is in an address: a row by its name here, or the part itself."""


def routes():
    """Return every route of the API with its methods."""
    found: set[tuple[str | None, str]] = set()

    def walk(patterns, prefix):
        for pattern in patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                if path.startswith("api/v1/"):
                    view = pattern.callback.view_class
                    found.update((pattern.name, verb) for verb in view.http_method_names if hasattr(view, verb))
            else:
                walk(pattern.url_patterns, path)

    walk(get_resolver("config.urls").url_patterns, "")
    return {(name, verb) for name, verb in found if verb != "options"}


def test_matrix_knows_every_route_and_method():
    assert routes() == set(MATRIX)


def address(name, rows):
    kind = KIND.get(name, name.removeprefix("api-"))
    more = [rows.get(part, part) for part in FURTHER.get(name, [])]
    return reverse(name, args=[*([rows[kind]] if kind in rows else []), *more])


def test_every_person_gets_what_the_matrix_says(rows, client_of, service_client, cast):
    clients = [service_client if name == "service" else client_of(name) for name in PEOPLE]
    disabled = APIClient()
    disabled.force_login(cast.disabled, backend="django.contrib.auth.backends.ModelBackend")
    for (name, verb), expected in MATRIX.items():
        path = address(name, rows)
        nobody = [getattr(client, verb)(path, BODIES.get(name, {})).status_code for client in (APIClient(), disabled)]
        assert nobody == ([200, 200] if name == "openapi" else [401, 401]), (name, verb)
        answers = [
            getattr(client, verb)(path, None if verb == "get" else BODIES.get(name, {}), HTTP_IDEMPOTENCY_KEY=name)
            for client in clients
        ]
        assert dict(zip(PEOPLE, [answer.status_code for answer in answers], strict=True)) == dict(
            zip(PEOPLE, expected, strict=True)
        ), (name, verb, [answer.content[:300] for answer in answers])
