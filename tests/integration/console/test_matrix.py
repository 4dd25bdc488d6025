"""Every address of the console, by every method it takes, for every person; the admin lets none of them in."""

from decimal import Decimal

import pytest
from django.template import TemplateDoesNotExist
from django.urls import URLPattern, get_resolver, reverse

from agents.operations import preview_rollback
from agents.operations.pausing import pause_scope
from audit.models import Delivery
from audit.operations import create_endpoint
from memory.models import Session
from tests.factories import SETUP, make_person, make_team
from tests.integration.api.test_matrix import remembered, scheduled
from tests.integration.knowledge.conftest import collection, document
from tools.operations import BudgetOf, create_budget
from workspaces.console import problems
from workspaces.operations import teams
from workspaces.operations.invitations import invite

pytestmark = pytest.mark.django_db

INSIDE = ["owner", "reviewer", "finance", "member", "stranger"]
OUTSIDE = ["anonymous", "service", "disabled"]
EVERYBODY = [200] * 5
OWNERS = [200, 403, 403, 403, 200]
WORKERS = [200, 200, 200, 404, 404]
READERS = [200, 200, 404, 404, 404]
MANAGERS = [200, 403, 404, 404, 404]
OWNERS_HERE = [200, 403, 403, 403, 404]
SIGN_IN = 302
"""A service account has no password and a disabled person no way in: both are sent to sign in, like anybody."""

READ = {
    "approvals:home": [302] * 5,
    "approvals:inbox": EVERYBODY,
    "approvals:request": WORKERS,
    "approvals:deciders": WORKERS,
    "approvals:edit": [403, 200, 200, 404, 404],
    "runs:index": EVERYBODY,
    "runs:new": EVERYBODY,
    "runs:show": WORKERS,
    "runs:effective": WORKERS,
    "runs:fork": WORKERS,
    "runs:told": WORKERS,
    "runs:rollback": WORKERS,
    "runs:session": WORKERS,
    "agents:index": EVERYBODY,
    "agents:show": WORKERS,
    "agents:usage": EVERYBODY,
    "agents:effective": WORKERS,
    "agents:worth": WORKERS,
    "schedules:index": EVERYBODY,
    "schedules:new": EVERYBODY,
    "schedules:show": WORKERS,
    "pauses:list": EVERYBODY,
    "facts:index": EVERYBODY,
    "facts:show": WORKERS,
    "facts:forget": WORKERS,
    "knowledge:index": EVERYBODY,
    "knowledge:search": EVERYBODY,
    "knowledge:collection": READERS,
    "knowledge:collection-search": READERS,
    "knowledge:upload": MANAGERS,
    "knowledge:document": READERS,
    "knowledge:forget": MANAGERS,
    "console:second-factor": EVERYBODY,
    "people:index": OWNERS,
    "people:show": OWNERS_HERE,
    "people:invitations": OWNERS,
    "people:teams": OWNERS,
    "people:team-show": OWNERS_HERE,
    "budgets:index": OWNERS,
    "budgets:new": OWNERS,
    "budgets:show": OWNERS_HERE,
    "audit:ledger": OWNERS,
    "webhooks:index": OWNERS,
    "webhooks:new": OWNERS,
    "webhooks:show": OWNERS_HERE,
}
WRITE = {  # empty forms, in this order: the run is not paused, and the pause is released before its own turn
    "approvals:decide": [422, 422, 422, 404, 404],
    "approvals:edit": [403, 409, 409, 404, 404],
    "runs:new": [422] * 5,
    "runs:retry": [409, 409, 409, 404, 404],
    "runs:fork": [422, 422, 422, 404, 404],
    "runs:go-live": [409, 409, 409, 404, 404],
    "runs:pause": [422, 422, 422, 404, 404],
    "runs:release": [404] * 5,
    "runs:rollbacks": [302, 302, 302, 404, 404],
    "runs:rollback-confirm": [409, 409, 409, 404, 404],
    "runs:cancel": [302, 302, 302, 404, 404],
    "agents:pause": [422, 422, 422, 404, 404],
    "agents:release": [302, 302, 302, 404, 404],
    "schedules:new": [422] * 5,
    "schedules:show": [422, 422, 422, 404, 404],
    "schedules:switch": [302, 403, 403, 404, 404],
    "pauses:pause": [422, 422, 422, 404, 404],
    "pauses:release": [409, 409, 409, 404, 404],
    "facts:correct": [422, 422, 422, 404, 404],
    "facts:forget": [409, 409, 409, 404, 404],  # a rollback is shown, and waits, of a run about the same customer
    "knowledge:search": [422] * 5,
    "knowledge:collection-search": [422, 422, 404, 404, 404],
    "knowledge:upload": [422, 403, 404, 404, 404],
    "knowledge:date": [302, 403, 404, 404, 404],
    "knowledge:archive": [302, 403, 404, 404, 404],
    "knowledge:trust": [422, 422, 404, 404, 404],
    "knowledge:index-document": [409, 403, 404, 404, 404],
    "knowledge:reembed": [503, 403, 404, 404, 404],
    "knowledge:reembed-cancel": [404, 403, 404, 404, 404],
    "knowledge:forget": [302, 403, 404, 404, 404],
    "budgets:new": [422, 403, 403, 403, 422],
    "budgets:show": [422, 403, 403, 403, 404],
    "webhooks:new": [422, 403, 403, 403, 422],
    "webhooks:show": [422, 403, 403, 403, 404],
    "webhooks:rotate": [422, 403, 403, 403, 404],
    "webhooks:again": [422, 403, 403, 403, 404],
    "webhooks:redeliver": [302, 403, 403, 403, 404],
    "webhooks:ping": [302, 403, 403, 403, 404],
    "webhooks:switch": [302, 403, 403, 403, 404],
    "console:switch-workspace": [404] * 5,
    "console:second-factor": [422] * 5,
    "console:recovery-codes": [409] * 5,
    "console:second-factor-remove": [409] * 5,
    "people:second-factor-required": [409, 403, 403, 403, 409],
    "people:second-factor-reset": [409, 403, 403, 403, 404],
    "people:unlock": [302, 403, 403, 403, 404],
    "people:role": [422, 403, 403, 403, 404],
    "people:disable": [302, 403, 403, 403, 404],
    "people:enable": [302, 403, 403, 403, 404],
    "people:invitations": [422, 403, 403, 403, 422],
    "people:invitation-repeat": [302, 403, 403, 403, 404],
    "people:invitation-withdraw": [302, 403, 403, 403, 404],
    "people:team": [404, 403, 403, 403, 404],
    "people:take-out": [302, 403, 403, 403, 404],
    "people:grant": [404, 403, 403, 403, 404],
    "people:teams": [422, 403, 403, 403, 422],
    "people:remove": [302, 403, 403, 403, 404],
}
ELSEWHERE = {
    "console:sign-in": "tests/integration/console/test_sessions.py",
    "console:sign-in-code": "tests/integration/console/test_second_factor.py",
    "console:single-sign-on": "tests/integration/console/test_single_sign_on.py",
    "console:single-sign-on-back": "tests/integration/console/test_single_sign_on.py",
    "console:sign-out": "tests/integration/console/test_sessions.py",
    "people:join": "tests/integration/console/test_invitations.py",
    "console:components": "tests/browser/test_components.py",
    "console:component-page": "tests/browser/test_components.py",
    "runs:live": "tests/integration/console/test_live.py",
    "healthz": "tests/integration/operating/test_health.py",
    "readyz": "tests/integration/operating/test_health.py",
    "metrics": "tests/integration/operating/test_metrics.py",
    "live": "tests/integration/console/test_live.py",
}
"""Where the addresses that anybody may open, and the streams, are tested."""


def routes(patterns, prefix="", names=()):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, ":".join([*names, pattern.name or ""])
        else:
            yield from routes(pattern.url_patterns, path, [*names, pattern.namespace] if pattern.namespace else names)


ROUTES = [(path, name) for path, name in routes(get_resolver().url_patterns) if not path.startswith("api/v1/")]
ADMIN = sorted({name for path, name in ROUTES if path.startswith("admin/") and "<" not in path and "(" not in path})


def test_every_address_is_in_the_matrix():
    named = {name for path, name in ROUTES if not path.startswith("admin/")}
    assert named == {*READ, *WRITE, *ELSEWHERE}


@pytest.fixture
def addresses(desk, asked):
    """Return a function that fills a route's name with ids of what is there."""
    agent = desk.desk.agent
    pause = pause_scope(
        workspace=desk.cast.workspace, scope_kind="agent", scope_id=agent.id, reason="Look", by=desk.cast.reviewer
    )
    spare, policies = make_person("spare", desk.cast.workspace), collection(desk.cast)
    teams.grant(team=desk.cast.reviewers, codename="view_collection", target=policies, by=SETUP)
    found = {
        "fact_id": remembered(Session.objects.get()).id,
        "collection_id": policies.id,
        "document_id": document(policies).id,
        "user_id": spare.id,
        "invitation_id": invite(workspace=desk.cast.workspace, email="new@example.com", by=desk.cast.owner).id,
        "team_id": make_team(desk.cast.workspace, "Spare", spare).id,
        "request_id": desk.requests(asked)[0].id,
        "session_id": Session.objects.get().id,
        "step_id": asked.steps.filter(kind="model").first().id,
        "named": agent.name,
        "pause_id": pause.id,
        **dict.fromkeys(("kind", "scope_kind"), "agent"),
        "scope_id": agent.id,
    }
    found["budget_id"] = create_budget(
        workspace=desk.cast.workspace,
        of=BudgetOf.workspace(desk.cast.workspace),
        unit="steps",
        limit=Decimal(9),
        period="day",
        by=desk.cast.owner,
    ).id
    endpoint = create_endpoint(workspace=desk.cast.workspace, url="https://example.com/", by=desk.cast.owner).endpoint
    found |= {"endpoint_id": endpoint.id, "schedule_id": scheduled(agent, desk.cast.owner).id}
    found["delivery_id"] = Delivery.objects.create(
        workspace=desk.cast.workspace,
        endpoint=endpoint,
        event_id=endpoint.id,
        verb="run.queued",
        status="failed",
        finished_at=endpoint.created_at,
    ).id
    preview = preview_rollback(run_id=asked.id, by=desk.cast.reviewer)

    def fill(name):
        run = preview.id if name.startswith("runs:rollback") and name != "runs:rollbacks" else asked.id
        values = {**found, "run_id": run}
        path = next(path for path, named in ROUTES if named == name)
        return reverse(name, kwargs={key: value for key, value in values.items() if f":{key}>" in path})

    return fill


@pytest.mark.parametrize("name", INSIDE)
def test_every_page_by_every_person(addresses, browse, name):
    client, place = browse(name), INSIDE.index(name)
    seen = {route: client.get(addresses(route)).status_code for route in READ}
    assert seen == {route: expected[place] for route, expected in READ.items()}


@pytest.mark.parametrize("name", INSIDE)
def test_every_form_by_every_person(addresses, browse, name):
    client, place = browse(name), INSIDE.index(name)
    seen = {route: client.post(addresses(route), {}).status_code for route in WRITE}
    assert seen == {route: expected[place] for route, expected in WRITE.items()}


@pytest.mark.parametrize("name", OUTSIDE)
def test_whoever_is_outside_is_asked_to_sign_in(addresses, browse, name):
    client = browse(name)
    answers = [client.get(addresses(route)) for route in READ] + [client.post(addresses(route)) for route in WRITE]
    assert {answer.status_code for answer in answers} == {SIGN_IN}
    assert all(answer["Location"].startswith("/sign-in/") for answer in answers)


@pytest.fixture
def without_pages(monkeypatch):
    """Refusals are the bare sentence, which every page of hundreds would surround with the whole frame."""

    def none(names):
        raise TemplateDoesNotExist(names[0])

    monkeypatch.setattr(problems, "select_template", none)


@pytest.mark.parametrize("name", [*INSIDE, *OUTSIDE])
def test_nobody_without_a_staff_account_enters_the_admin(desk, browse, without_pages, name):
    client = browse(name)
    entered = [route for route in ADMIN if route not in {"admin:login", "admin:logout"} and _is_in(client, route)]
    assert entered == []


def _is_in(client, route):
    answer = client.get(reverse(route))
    return answer.status_code not in {302, 403, 404}
