"""The request page and its forms, over a real desk: who sees what, who decides, and what is kept when it fails."""

from uuid import uuid4

import pytest

from approvals.models import Decision, Request, ReviewQueue
from tests.factories import SETUP, make_person
from workspaces.operations import teams

CHANGE, REPLY = "crm.customer.update", "mail.reply"
ABSENT = "00000000-0000-7000-8000-000000000000"
PARTS = ("", "decisions/", "edit/")


def address(request, part=""):
    return f"/requests/{request.id}/{part}"


def decide(client, request, kind="approve", **sent):
    return client.post(address(request, "decisions/"), {"kind": kind, "binding": request.evidence_digest, **sent})


def test_request_page_reads_like_a_memo(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    text = browse("reviewer").get(address(request)).content.decode()
    customer = desk.crm.anybody()
    for part in (
        "Update customer",
        f"id {customer['id']}",
        "tier standard → gold",
        "Can be undone exactly",
        "What changes",
        "Why a person is asked",
        "change-not-from-trusted-sources",
        "Find customer",
        "the demo planner, which is not a model",
        "Proposed together with this",
        request.evidence_digest,
        request.evidence["action"]["binding"],
        "the console, by Owner",
        "Asked",
    ):
        assert part in text, part
    order = [
        text.index(part)
        for part in (
            'class="facts"',
            'class="decision"',
            "What changes",
            "Why a person",
            ">Evidence<",
            "own words",
            "History",
        )
    ]
    assert order == sorted(order)


def test_irreversible_request_says_so_before_anybody_decides(desk, asked, browse):
    text = browse("reviewer").get(address(desk.request_for(asked, REPLY))).content.decode()
    assert text.index("Cannot be undone") < text.index('class="decision"')


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["member", "stranger"])
def test_invariant_14_request_does_not_exist_for_others(desk, asked, browse, name, part):
    client = browse(name)
    there, absent = desk.request_for(asked, CHANGE), uuid4()
    for method in (client.get, client.post):
        if (method == client.get) == (part == "decisions/"):
            continue
        answers = [method(f"/requests/{one}/{part}") for one in (there.id, absent)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert b"Update customer" not in answers[0].content


@pytest.mark.parametrize("name", ["member", "stranger"])
def test_invariant_14_foreign_and_absent_ids_take_the_same_statements(
    desk, asked, browse, name, django_assert_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = browse(name)
    client.get("/inbox/")
    counts = []
    for one in (desk.request_for(asked, CHANGE).id, uuid4()):
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/requests/{one}/")
        counts.append([query["sql"].split(" FROM ")[0] for query in captured])
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["anonymous", "disabled"])
@pytest.mark.parametrize("path", ["/", "/inbox/", *(f"/requests/{ABSENT}/{part}" for part in PARTS)])
def test_nobody_comes_in_without_signing_in(cast, browse, name, path):
    client = browse(name)
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("name", ["reviewer", "finance"])
def test_approving_is_one_post_of_the_digest_seen(desk, asked, browse, name):
    request = desk.request_for(asked, CHANGE)
    answer = decide(browse(name), request)
    assert (answer.status_code, answer["Location"]) == (302, address(request))
    request.refresh_from_db()
    assert request.status == "approved"
    assert request.decisions.get().user.email == f"{name}@example.com"
    desk.rest(asked)
    assert desk.crm.customer(request.action.arguments["id"])["tier"] == "gold"
    text = browse(name).get(address(request)).content.decode()
    assert "Read-back" in text
    assert "Verified" in text


def test_invariant_13_get_never_decides(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    client = browse("reviewer")
    sent = {"kind": "approve", "binding": request.evidence_digest}
    assert client.get(address(request, "decisions/"), sent).status_code == 405
    for part in ("", "edit/"):
        client.get(address(request, part), sent)
    assert not Decision.objects.exists()


def test_invariant_12_owner_sees_why_they_cannot_decide_and_cannot(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    client = browse("owner")
    sentence = "You brought this about, so somebody else has to decide on it."
    page = client.get(address(request)).content.decode()
    assert sentence in page
    assert 'value="approve"' not in page
    answer = decide(client, request)
    assert answer.status_code == 403
    assert sentence in answer.content.decode()
    assert client.post(address(request, "edit/"), {}).status_code == 403
    assert not Decision.objects.exists()


def test_one_who_may_only_look_is_told_so(desk, asked, cast, browse):
    queue = ReviewQueue.objects.get(workspace=cast.workspace)
    team = teams.create_team(workspace=cast.workspace, name="Lookers", by=SETUP)
    teams.add_to_team(team=team, user=cast.member, by=SETUP)
    teams.grant(team=team, codename="view_reviewqueue", target=queue, by=SETUP)
    request = desk.request_for(asked, CHANGE)
    answer = browse("member").get(address(request))
    assert answer.status_code == 200
    assert b"You may not decide on requests of the queue" in answer.content
    assert decide(browse("member"), request).status_code == 403


def test_rejection_reaches_the_agent_with_its_reason_and_leaves_the_sibling_alone(desk, asked, browse):
    request, sibling = desk.request_for(asked, CHANGE), desk.request_for(asked, REPLY)
    assert decide(browse("reviewer"), request, "reject", reason="Not <b>now</b>").status_code == 302
    request.refresh_from_db()
    sibling.refresh_from_db()
    assert (request.status, sibling.status) == ("rejected", "open")
    text = browse("finance").get(address(request)).content.decode()
    assert "Not &lt;b&gt;now&lt;/b&gt;" in text
    assert "Rejected by Reviewer" in text
    assert 'class="decision"' not in text


def test_rejection_without_a_reason_is_refused_where_the_form_is(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    answer = decide(browse("reviewer"), request, "reject", reason="  ")
    assert answer.status_code == 422
    assert b"Say why" in answer.content
    assert b'data-key="r" open' in answer.content


def test_response_answers_the_agent(desk, asked, browse):
    request = desk.request_for(asked, REPLY)
    assert decide(browse("reviewer"), request, "respond", reason="Ask which address.").status_code == 302
    request.refresh_from_db()
    assert (request.status, request.action.status) == ("answered", "answered")


def test_second_of_two_people_is_told_who_and_keeps_what_they_wrote(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    first, second = browse("reviewer"), browse("finance")
    decide(first, request)
    answer = decide(second, request, "reject", reason="I would rather not")
    assert answer.status_code == 409
    assert b"Reviewer decided on this already" in answer.content
    assert b"I would rather not" in answer.content
    assert Decision.objects.count() == 1


def test_stale_form_is_refused_and_keeps_what_was_written(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    sent = {"kind": "reject", "binding": "0" * 64, "reason": "My careful words"}
    answer = browse("reviewer").post(address(request, "decisions/"), sent)
    assert answer.status_code == 409
    assert b"has changed since you opened it" in answer.content
    assert b">My careful words</textarea>" in answer.content
    assert request.evidence_digest.encode() in answer.content


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"kind": "approve"},
        {"kind": "delete"},
        {"kind": "edit"},
        {"kind": "settle", "settlement": "perhaps"},
        {"kind": "reject", "reason": "x" * 4001},
        {"kind": "respond", "reason": ""},
        {"kind": "approve", "binding": "\x00"},
    ],
)
def test_nonsense_is_refused_with_a_sentence(desk, asked, browse, sent):
    request = desk.request_for(asked, CHANGE)
    answer = browse("reviewer").post(address(request, "decisions/"), {"binding": request.evidence_digest, **sent})
    if sent == {"kind": "approve"}:
        assert answer.status_code == 302
        return
    assert answer.status_code in {409, 422}
    assert b'class="notice danger"' in answer.content
    assert not Decision.objects.exists()


def test_control_characters_in_a_reason_are_kept_visible(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    assert decide(browse("reviewer"), request, "reject", reason="no\x00t \u202ethis").status_code == 302
    text = browse("reviewer").get(address(request)).content.decode()
    assert "RLO" in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("came_from", "back"),
    [("http://testserver/runs/?page=2", True), ("http://evil.example/runs/?page=2", False), ("", False)],
)
def test_problem_page_leads_back_to_where_one_came_from(cast, browse, came_from, back):
    answer = browse("reviewer").get("/ledger/", headers={"Referer": came_from})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert ('<a class="button" href="/runs/?page=2">Go back</a>' in text) == back
    assert "evil.example" not in text
    assert "To the inbox" in text


@pytest.mark.parametrize("path", ["/inbox/", "/api/v1/runs/"])
def test_wrong_name_of_ours_is_400_wherever_one_came_from(browse, path):
    headers = {"Host": "elsewhere.example", "Referer": "http://elsewhere.example/runs/"}
    answer = browse("reviewer").get(path, headers=headers)
    assert answer.status_code == 400
    assert "elsewhere.example" not in answer.content.decode()


def test_edit_shows_a_typed_form_and_makes_a_new_request(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    client = browse("reviewer")
    page = client.get(address(request, "edit/")).content.decode()
    assert '<option value="gold" selected>' in page
    assert page.count(" autofocus") == 1
    sent = {"/id": str(request.action.arguments["id"]), "/tier": "silver", "binding": request.evidence_digest}
    answer = client.post(address(request, "edit/"), {**sent, "reason": "Silver is what they paid for"})
    assert answer.status_code == 302
    desk.rest(asked)
    request.refresh_from_db()
    newer = Request.objects.get(action__revises=request.action)
    assert answer["Location"] == address(request)
    assert request.status == "superseded"
    assert newer.action.arguments == {**request.action.arguments, "tier": "silver"}
    text = client.get(address(newer)).content.decode()
    assert "Edited by Reviewer" in text
    assert address(request) in text
    assert address(newer) in client.get(address(request)).content.decode()


def test_edit_that_does_not_fit_the_tool_keeps_what_was_typed(desk, asked, browse):
    request = desk.request_for(asked, REPLY)
    sent = {
        "/to": "nobody",
        "/subject": "Changed",
        "/body": "<script>alert(1)</script>",
        "binding": request.evidence_digest,
        "reason": "Better words",
    }
    answer = browse("reviewer").post(address(request, "edit/"), sent)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "field-error" in text
    assert 'value="nobody"' in text
    assert "optional" not in text.split('name="/to"')[0].rpartition("<label")[2]
    assert 'value="Better words"' in text
    assert "<script>alert" not in text
    assert not Decision.objects.exists()


def test_edit_without_a_change_says_so(desk, asked, browse):
    request = desk.request_for(asked, REPLY)
    answer = browse("reviewer").post(address(request, "edit/"), {"binding": request.evidence_digest})
    assert answer.status_code == 422
    assert b"Nothing was changed" in answer.content


def test_edit_of_a_decided_request_is_refused_with_the_words_kept(desk, asked, browse):
    request = desk.request_for(asked, REPLY)
    seen = request.evidence_digest
    decide(browse("finance"), request)
    client = browse("reviewer")
    assert client.get(address(request, "edit/")).status_code == 409
    answer = client.post(address(request, "edit/"), {"/subject": "Careful words", "binding": seen})
    assert answer.status_code == 409
    assert b"Finance decided on this already" in answer.content
    assert b"Careful words" in answer.content


def test_edit_form_that_is_stale_is_refused(desk, asked, browse):
    request = desk.request_for(asked, REPLY)
    answer = browse("reviewer").post(address(request, "edit/"), {"/subject": "Other", "binding": "0" * 64})
    assert answer.status_code == 409
    assert b"has changed since you opened it" in answer.content


def test_world_that_moved_since_the_approval_comes_back_with_the_difference(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    decide(browse("reviewer"), request)
    desk.crm.change(request.action.arguments["id"], tier="silver")
    desk.rest(asked)
    newer = desk.request_for(asked, CHANGE)
    assert newer.id != request.id
    text = browse("reviewer").get(address(newer)).content.decode()
    assert "The world moved since the approval" in text
    assert "silver" in text
    old = browse("reviewer").get(address(request)).content.decode()
    assert address(newer) in old


def test_quorum_of_two_says_how_far_it_is(desk, cast, browse):
    ReviewQueue.objects.filter(pk=desk.desk.queue.pk).update(quorum=2)
    customer = desk.crm.anybody()
    run = desk.start(f"I am {customer['name']}, {customer['email']}: please move me to the gold tier.")
    request = desk.request_for(run, CHANGE)
    first = browse("reviewer")
    decide(first, request)
    text = first.get(address(request)).content.decode()
    assert "Your approval is recorded: 1 of 2" in text
    assert "You have decided on this already" in text
    decide(browse("finance"), request)
    request.refresh_from_db()
    assert request.status == "approved"


def test_expired_request_offers_nothing(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    Request.objects.filter(pk=request.pk).update(expires_at="2020-01-01T00:00:00Z")
    text = browse("reviewer").get(address(request)).content.decode()
    assert "The time for this request has run out" in text
    assert decide(browse("reviewer"), request).status_code == 409


def test_person_of_two_workspaces_sees_each_requests_only_there(desk, asked, cast, browse):
    other = make_person("both", cast.elsewhere)
    assert browse("both").get(address(desk.request_for(asked, CHANGE))).status_code == 404
    assert other.memberships.count() == 1
