"""Policies, queues and grants in the admin; verdicts, requests and decisions to read."""

import json

import pytest

from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, ReviewQueueGrant, Verdict
from approvals.policies.default import DEFAULT_RULES
from tests.admin_pages import Pages, events, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


@pytest.fixture
def queue(cast, pages):
    form = {"name": "desk", "title": "Desk", "quorum": 1, "time_limit_seconds": 3600, "on_expiry": "expire"}
    assert pages.add(ReviewQueue, workspace=cast.workspace.pk, **form).status_code == 302
    return ReviewQueue.objects.get()


def test_policy_is_drafted_and_never_put_in_force_by_saving(cast, pages):
    form = {"workspace": cast.workspace.pk, "name": "house", "title": "House rules"}
    assert pages.add(PolicyVersion, **form, rules=json.dumps(DEFAULT_RULES)).status_code == 302
    version = PolicyVersion.objects.get()
    assert (version.status, version.created_by) == ("draft", cast.owner)
    assert events("policy.drafted", cast.owner) == 1
    assert pages.change(version, status="active").status_code == 403
    assert pages.change(Policy.objects.get(), title="x").status_code == 403
    version.refresh_from_db()
    assert version.status == "draft"


def test_rule_that_cannot_be_read_is_named(cast, pages):
    form = {"workspace": cast.workspace.pk, "name": "house", "title": "House rules"}
    rules = [{**DEFAULT_RULES[0], "when": "action.colour == 'red'"}]
    answer = pages.add(PolicyVersion, **form, rules=json.dumps(rules))
    assert answer.context["adminform"].form.errors["rules"][0].startswith("0: when: The condition cannot be read")
    assert "a list in brackets" in said(pages.add(PolicyVersion, **form, rules='{"a": 1}'))
    assert not Policy.objects.exists()


def test_queue_is_set_up_and_changed_by_the_operation(cast, pages, queue):
    form = {"title": "Desk", "quorum": 2, "time_limit_seconds": 3600, "on_expiry": "reject"}
    assert pages.change(queue, **form).status_code == 302
    queue.refresh_from_db()
    assert (queue.quorum, queue.name, queue.on_expiry) == (2, "desk", "reject")
    assert [events(verb, cast.owner) for verb in ("queue.created", "queue.changed")] == [1, 1]


def test_right_is_granted_to_a_team_and_taken_back(cast, pages, queue):
    form = {"content_object": queue.pk, "team": cast.reviewers.pk, "right": "decide_reviewqueue"}
    assert pages.add(ReviewQueueGrant, **form).status_code == 302
    assert queue in ReviewQueue.objects.decidable_by(cast.reviewer)
    assert "already" in said(pages.add(ReviewQueueGrant, **form))
    grant = ReviewQueueGrant.objects.get()
    assert "Reviewers" in pages.get(grant, "change").content.decode()
    assert Pages(cast.stranger).get(grant, "change").status_code == 404
    pages.delete(grant)
    assert queue not in ReviewQueue.objects.decidable_by(cast.reviewer)
    assert [events(verb, cast.owner) for verb in ("team.granted", "team.revoked")] == [1, 1]


def test_machine_rows_are_read_by_constant_statements(cast, pages, desk):
    lists = (Verdict, Request, Decision, PolicyVersion, ReviewQueue)

    def answer():
        run = desk.start(f"Please upgrade {desk.crm.anybody()['email']} to tier gold.")
        desk.answer(desk.request_for(run, "mail.reply"))

    answer()
    before, theirs = pages.lists(lists), Pages(cast.stranger)
    answer()
    assert pages.lists(lists) == before
    for row in (model.objects.first() for model in lists):
        seen = (pages.get(row, "change").status_code, theirs.get(row, "change").status_code)
        assert seen == (200, 404), row
