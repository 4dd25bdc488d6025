"""Policies, queues and grants in the admin; verdicts, requests and decisions to read."""

import json

import pytest
from bs4 import BeautifulSoup

from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, ReviewQueueGrant, Verdict
from approvals.operations import draft_policy
from approvals.policies.default import DEFAULT_RULES
from tests.admin_pages import Pages, events, said
from workspaces.errors import InvalidInput
from workspaces.models import Role
from workspaces.operations import people

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


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_rule_that_cannot_be_stored_is_refused(cast, pages, text):
    form = {"workspace": cast.workspace.pk, "name": "house", "title": "House rules"}
    rules = [{**DEFAULT_RULES[0], "reason": f"Because{text}."}]
    assert "half a character" in said(pages.add(PolicyVersion, **form, rules=json.dumps(rules)))
    with pytest.raises(InvalidInput, match="cannot be used"):
        draft_policy(workspace=cast.workspace, name="house", title="House rules", rules=rules, by=cast.owner)
    assert not Policy.objects.exists()


def test_queue_is_set_up_and_changed_by_the_operation(cast, pages, queue):
    form = {"title": "Desk", "quorum": 2, "time_limit_seconds": 3600, "on_expiry": "reject"}
    assert pages.change(queue, **form).status_code == 302
    queue.refresh_from_db()
    assert (queue.quorum, queue.name, queue.on_expiry) == (2, "desk", "reject")
    assert [events(verb, cast.owner) for verb in ("queue.created", "queue.changed")] == [1, 1]


def test_stale_form_keeps_what_another_owner_saved_meanwhile(cast, pages, queue):
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=cast.owner)
    mine, theirs = ({**opened(each, queue)} for each in (pages, Pages(cast.finance)))
    assert Pages(cast.finance).change(queue, **{**theirs, "quorum": 3, "editors_may_approve": "on"}).status_code == 302
    assert pages.change(queue, **{**mine, "title": "Front desk"}).status_code == 302
    queue.refresh_from_db()
    assert (queue.title, queue.quorum, queue.editors_may_approve) == ("Front desk", 3, True)
    assert pages.change(queue, **opened(pages, queue)).status_code == 302
    assert [events("queue.changed", by) for by in (cast.owner, cast.finance)] == [1, 1]


def opened(pages, row):
    """Return what the browser would send back of the form as it was loaded."""
    page = pages.get(row, "change").content.decode()
    found = {}
    for tag in BeautifulSoup(page, "html.parser").select("form [name]"):
        if tag.name == "select":
            found[tag["name"]] = next((one["value"] for one in tag.select("option[selected]")), "")
        elif tag.get("type") == "checkbox":
            found |= {tag["name"]: "on"} if tag.has_attr("checked") else {}
        else:
            found[tag["name"]] = tag.get("value", tag.text if tag.name == "textarea" else "")
    return {name: value for name, value in found.items() if not name.startswith("_")}


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
