"""The pages of runs, rollbacks and conversations: who sees what, every POST, bad input, and how many statements."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Run
from agents.operations import preview_rollback, start_run
from tools.models import Action, UsageRecord
from workspaces.models import Pause

pytestmark = pytest.mark.django_db

SEEING = ("owner", "reviewer", "finance")
BLIND = ("member", "stranger")
MOST_QUERIES = 25


@pytest.fixture
def page(client, cast):
    """Open a page as somebody."""

    signed_in: list[str] = []

    def open_(path, by="reviewer", method="get", data=None, **headers):
        if signed_in != [by]:
            client.logout()
            signed_in[:] = [by]
            if by:
                client.force_login(cast[by])
        return getattr(client, method)(path, data or {}, headers=headers)

    return open_


@pytest.fixture
def post(page):
    return lambda path, data=None, by="reviewer": page(path, by, "post", data)


@pytest.fixture
def waiting(desk):
    """A run that waits for people, and the customer that it is about."""
    customer = desk.crm.anybody("standard")
    ticket = f"Please upgrade {customer['email']} to tier gold."
    return desk.begin("waiting", lambda: desk.start(ticket))


@pytest.fixture
def done(desk, waiting):
    """The same after both requests were approved."""

    def approve():
        desk.answer(desk.request_for(waiting, "crm.customer.update"))
        desk.answer(desk.request_for(waiting, "mail.reply"), by=desk.cast.finance)
        return desk.rest(waiting)

    return desk.begin("done", approve)


@pytest.mark.parametrize("by", SEEING)
def test_people_of_the_agent_see_its_runs(page, waiting, by):
    assert waiting.title in page("/runs/", by).content.decode()
    text = page(f"/runs/{waiting.id}/", by).content.decode()
    assert "A person must decide" in text
    assert "Change a customer" in text or "crm.customer.update" in text


@pytest.mark.parametrize("by", BLIND)
def test_others_see_an_empty_list_and_no_run(page, waiting, by):
    listed = page("/runs/", by)
    assert listed.status_code == 200
    assert waiting.title not in listed.content.decode()
    assert page(f"/runs/{waiting.id}/", by).status_code == 404


@pytest.mark.parametrize("path", ["/runs/", "/runs/new/", "/runs/{id}/", "/rollbacks/{id}/", "/agents/"])
@pytest.mark.parametrize("by", [None, "disabled"])
def test_nobody_reads_without_signing_in(page, waiting, path, by):
    answer = page(path.format(id=waiting.id), by)
    assert (answer.status_code, answer["Location"].startswith("/sign-in/")) == (302, True)


def test_a_task_is_given_and_its_page_opens(page, post, desk):
    form = page("/runs/new/", "owner").content.decode()
    assert desk.desk.agent.title in form
    answer = post("/runs/new/", {"agent": str(desk.desk.agent.id), "text": "  Move <b>nobody</b>.\n"}, "owner")
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{run.id}/")
    assert run.input["text"] == "Move <b>nobody</b>."
    assert "<b>nobody" not in page(f"/runs/{run.id}/").content.decode()


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [("", 422, "is empty"), (" \n ", 422, "is empty"), ("x" * 100_001, 413, "at most 100 kB")],
)
def test_a_task_that_cannot_be_taken_stays_in_the_form(post, desk, text, status, said):
    answer = post("/runs/new/", {"agent": str(desk.desk.agent.id), "text": text})
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert text.strip() in answer.content.decode()
    assert not Run.objects.exists()


def test_an_agent_that_one_may_not_start_is_no_choice(page, post, desk):
    refused = page("/runs/new/", "member").content.decode()
    assert "No agent that you may start" in refused
    assert "An owner sets up both." in refused
    answer = post("/runs/new/", {"agent": str(desk.desk.agent.id), "text": "Keep what I typed"}, "member")
    assert answer.status_code == 422
    assert not Run.objects.exists()


def test_filters_narrow_and_unknown_values_are_ignored(page, waiting):
    for query, there in [
        ("status=waiting", True), ("status=failed", False), ("kind=rollback", False), ("agent=support-desk", True),
        ("agent=other", False), ("status=nonsense", True), ("page=2", False), ("page=x", True), ("page=99999999", True),
    ]:  # fmt: skip
        assert (waiting.title in page(f"/runs/?{query}").content.decode()) is there, query


def test_a_refresh_gets_the_region_alone(page, waiting):
    whole, region = page(f"/runs/{waiting.id}/"), page(f"/runs/{waiting.id}/", **{"HX-Request": "true"})
    assert "<html" in whole.content.decode()
    assert "<html" not in region.content.decode()
    assert "Steps" in region.content.decode()
    assert "HX-Request" in region["Vary"]
    assert "<html" not in page("/runs/", **{"HX-Request": "true"}).content.decode()


def test_steps_show_cost_tokens_verdict_and_decision(page, waiting, done):
    UsageRecord.objects.filter(run_id=done.id).update(cost=None, input_tokens=1234)
    text = page(f"/runs/{done.id}/").content.decode()
    assert re.search(r'cost\s+<span class="money unknown">unknown', text)
    assert "1,234 tokens in" in text
    assert "Verdict: review" in text
    assert "by Reviewer" in text
    assert "Verified" in text
    assert "not a model" in text


def test_the_requests_of_a_queue_are_linked_for_those_who_may_see_it(page, desk, cast, waiting):
    request = desk.requests(waiting)[0]
    assert f"/requests/{request.id}/" in page(f"/runs/{waiting.id}/").content.decode()
    text = page(f"/runs/{waiting.id}/", "owner").content.decode()
    assert f"/requests/{request.id}/" in text


def test_cancel_pause_and_release(page, post, waiting):
    assert post(f"/runs/{waiting.id}/pause/", {"reason": "Wrong <i>customer"})["Location"] == f"/runs/{waiting.id}/"
    text = page(f"/runs/{waiting.id}/").content.decode()
    assert "Wrong &lt;i&gt;customer" in text
    assert f"/runs/{waiting.id}/release/" in text
    assert post(f"/runs/{waiting.id}/pause/", {"reason": "again"}).status_code == 409
    assert post(f"/runs/{waiting.id}/release/").status_code == 302
    assert post(f"/runs/{waiting.id}/release/").status_code == 404
    assert not Pause.objects.live().exists()
    assert post(f"/runs/{waiting.id}/cancel/").status_code == 302
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert post(f"/runs/{waiting.id}/cancel/").status_code == 409


def test_a_pause_says_why(post, waiting):
    answer = post(f"/runs/{waiting.id}/pause/", {"reason": " "})
    assert answer.status_code == 422
    assert "Say why" in answer.content.decode()


@pytest.mark.parametrize("verb", ["cancel", "pause", "release", "rollbacks"])
def test_controls_are_posts_of_those_who_may(page, post, waiting, verb):
    assert page(f"/runs/{waiting.id}/{verb}/").status_code == 405
    for by in BLIND:
        assert post(f"/runs/{waiting.id}/{verb}/", {"reason": "x"}, by).status_code == 404
    assert post(f"/runs/{waiting.id}/{verb}/", {"reason": "x"}, None).status_code == 302
    waiting.refresh_from_db()
    assert waiting.status == "waiting"
    assert not Pause.objects.exists()


def test_a_run_is_rolled_back_by_its_preview(page, post, desk, done):
    assert "Roll back" in page(f"/runs/{done.id}/").content.decode()
    preview_url = post(f"/runs/{done.id}/rollbacks/")["Location"]
    text = page(preview_url).content.decode()
    assert "Would be restored" in text
    assert "Impossible" in text
    rollback = Run.objects.get(kind="rollback")
    assert rollback.plan_digest in text
    assert "once somebody has confirmed the preview" in page(f"/runs/{rollback.id}/").content.decode()
    assert post(f"{preview_url}confirm/", {"digest": "0" * 64}).status_code == 409
    confirmed = post(f"{preview_url}confirm/", {"digest": rollback.plan_digest})
    assert confirmed["Location"] == f"/runs/{rollback.id}/"
    assert post(f"{preview_url}confirm/", {"digest": rollback.plan_digest}).status_code == 409
    desk.rest(rollback)
    report = page(f"/runs/{rollback.id}/").content.decode()
    assert "Restored, and read back" in report
    assert "1 of 2 effects was restored" in report
    assert "Partly rolled back" in page("/runs/").content.decode()
    assert "confirmed or cancelled already" in page(preview_url).content.decode()
    assert "Roll back" not in page(f"/runs/{done.id}/").content.decode().split("Steps</h2>")[0]


def test_one_action_is_rolled_back_alone(page, post, done):
    changed = Action.objects.get(run_id=done.id, effect="reversible")
    assert f'value="{changed.id}"' in page(f"/runs/{done.id}/").content.decode()
    url = post(f"/runs/{done.id}/rollbacks/", {"action": str(changed.id)})["Location"]
    assert "Impossible" not in page(url).content.decode()
    for named in ("nonsense", str(done.id)):
        assert post(f"/runs/{done.id}/rollbacks/", {"action": named}).status_code == 404


def test_a_drifted_effect_is_left_alone_and_said_so(page, post, desk, done):
    changed = Action.objects.get(run_id=done.id, effect="reversible")
    desk.crm.change(int(changed.arguments["id"]), tier="silver")
    text = page(post(f"/runs/{done.id}/rollbacks/")["Location"]).content.decode()
    assert "Drifted" in text
    labels = text.index("Before the run"), text.index('data-label="Before the run"'), text.index('data-label="Now"')
    assert labels == tuple(sorted(labels))
    assert "Nothing here can be rolled back" in text


@pytest.mark.parametrize("by", BLIND)
def test_rollbacks_of_others_do_not_exist(page, post, done, cast, by):
    preview = preview_rollback(run_id=done.id, by=cast.reviewer)
    assert page(f"/rollbacks/{preview.id}/", by).status_code == 404
    assert post(f"/rollbacks/{preview.id}/confirm/", {"digest": preview.plan_digest}, by).status_code == 404
    assert page(f"/rollbacks/{done.id}/").status_code == 404


def test_the_conversation_goes_on_over_runs(page, done):
    assert done.session_id
    assert f"/sessions/{done.session_id}/" in page(f"/runs/{done.id}/").content.decode()
    text = page(f"/sessions/{done.session_id}/").content.decode()
    assert "Conversation about customer" in text
    assert "Untrusted" in text or "untrusted" in text
    for by in BLIND:
        assert page(f"/sessions/{done.session_id}/", by).status_code == 404


def queries_of(page, path, by="reviewer", status=200):
    page("/runs/", by)
    with CaptureQueriesContext(connection) as seen:
        assert page(path, by).status_code == status
    return len(seen)


def test_absent_and_foreign_runs_cost_the_same_statements(page, waiting):
    absent = "018f0000-0000-7000-8000-000000000000"
    for path in ("/runs/{}/", "/rollbacks/{}/", "/sessions/{}/", "/agents/{}/"):
        foreign = queries_of(page, path.format(waiting.id), "stranger", 404)
        assert queries_of(page, path.format(absent), "stranger", 404) == foreign


def test_the_number_of_statements_does_not_grow_with_rows(page, desk, cast, done):
    paths = ("/runs/", "/agents/", f"/agents/{desk.desk.agent.id}/", "/runs/new/")
    one = [queries_of(page, path) for path in paths]
    for number in range(29):
        start_run(agent_id=desk.desk.agent.id, text=f"Task {number}", by=cast.owner)
    many = [queries_of(page, path) for path in paths]
    assert one == many
    assert max(many) <= MOST_QUERIES


def test_a_run_page_stays_within_its_statements_in_every_state(page, post, desk, cast):
    customer = desk.crm.anybody("standard")
    run = start_run(
        agent_id=desk.desk.agent.id, text=f"Please upgrade {customer['email']} to tier gold.", by=cast.owner
    )
    counts = {"queued": queries_of(page, f"/runs/{run.id}/")}
    desk.rest(run)
    counts["waiting"] = queries_of(page, f"/runs/{run.id}/")
    post(f"/runs/{run.id}/pause/", {"reason": "Wait"})
    counts["paused"] = queries_of(page, f"/runs/{run.id}/")
    assert max(counts.values()) <= MOST_QUERIES, counts
