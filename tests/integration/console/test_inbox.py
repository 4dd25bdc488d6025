"""The inbox: what waits, for whom, narrowed and paged, in few statements."""

from uuid import uuid4

import pytest

from approvals.models import Request
from approvals.operations.opening import open_request
from approvals.states import RequestKind, RequestStatus
from workspaces.actors import System

SEEN = ["owner", "reviewer", "finance"]
UNSEEN = ["member", "stranger"]


@pytest.fixture
def fill(desk, cast):
    """Return a function that opens requests that need no action, one a run."""

    def open_many(count, **said):
        for number in range(count):
            open_request(
                kind=RequestKind.BUDGET,
                workspace_id=cast.workspace.id,
                queue_name="",
                run_id=uuid4(),
                agent_id=said.get("agent_id", desk.desk.agent.id),
                title=f"Extend <b>{number}</b>",
                evidence={"sentence": "At its limit.", "agent": {"title": said.get("agent", "Support desk")}},
                causes=said.get("causes", []),
                by=System("tests"),
            )

    return open_many


@pytest.mark.parametrize("name", SEEN)
def test_inbox_shows_what_waits(asked, browse, name):
    answer = browse(name).get("/inbox/")
    assert answer.status_code == 200
    assert b"Update customer" in answer.content
    assert b"Send e-mail" in answer.content


@pytest.mark.parametrize("name", UNSEEN)
def test_invariant_14_inbox_of_others_is_empty_without_a_hint(asked, browse, name):
    text = browse(name).get("/inbox/").content.decode()
    assert "Update customer" not in text
    assert "Support desk" not in text
    assert "Support review" not in text
    assert "Nothing waits for you" in text


def test_start_page_is_the_inbox(cast, browse):
    assert browse("member").get("/")["Location"] == "/inbox/"


def test_person_without_a_workspace_is_told_what_to_do(cast, browse):
    from tests.factories import make_person

    make_person("nowhere")
    answer = browse("nowhere").get("/inbox/")
    assert answer.status_code == 403
    assert b"Ask an owner" in answer.content


def test_ones_own_to_decide_come_first_and_the_count_is_true(cast, fill, browse):
    fill(1)
    fill(1, causes=[cast.reviewer.id])
    text = browse("reviewer").get("/inbox/").content.decode()
    assert "1 waiting for you" in text
    rows = text.split("data-row")[1:]
    assert len(rows) == 2
    assert "Not yours to decide" not in rows[0]
    assert "Not yours to decide" in rows[1]
    assert '<span class="count " data-waiting>1<span' in text


def test_titles_are_inert(fill, browse):
    fill(1)
    assert "<b>0</b>" not in browse("reviewer").get("/inbox/").content.decode()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("kind=action", 2),
        ("kind=budget", 3),
        ("kind=nonsense", 0),
        ("kind=%00", 0),
        ("queue=default", 5),
        ("queue=%00", 0),
        ("agent=nonsense", 0),
        ("agent={agent}", 5),
        ("state=over", 0),
        ("page=2", 0),
        ("page=-1", 5),
        ("page=x", 5),
        ("page=99999999999999999999", 5),
        ("selected=%00", 5),
    ],
)
def test_filters_narrow_and_nonsense_finds_nothing(desk, asked, fill, browse, query, rows):
    fill(3)
    answer = browse("reviewer").get(f"/inbox/?{query.format(agent=desk.desk.agent.id)}")
    assert answer.status_code == 200
    assert answer.content.count(b"data-row") == rows


def test_what_is_over_is_found_again(asked, browse, desk):
    desk.answer(desk.request_for(asked, "mail.reply"), "reject", reason="no")
    text = browse("finance").get("/inbox/?state=over").content.decode()
    assert text.count("data-row") == 1
    assert "Rejected" in text


def test_long_list_is_paged_without_losing_or_repeating_a_row(fill, browse):
    fill(65)
    client = browse("reviewer")
    seen = []
    for page in (1, 2, 3):
        answer = client.get(f"/inbox/?page={page}&kind=budget")
        seen += [row.id for row in answer.context["rows"]]
        assert (b'rel="next"' in answer.content) == (page < 3)
        assert (b'rel="prev"' in answer.content) == (page > 1)
    assert len(seen) == len(set(seen)) == 65


def test_live_region_gets_its_rows_only(asked, browse):
    answer = browse("reviewer").get("/inbox/", headers={"HX-Request": "true"})
    assert b"Update customer" in answer.content
    assert b"<html" not in answer.content
    assert b'hx-swap-oob="true"' in answer.content


def test_region_beside_a_request_keeps_it_marked(desk, asked, browse):
    request = desk.request_for(asked, "mail.reply")
    answer = browse("reviewer").get(f"/inbox/?selected={request.id}", headers={"HX-Request": "true"})
    assert answer.content.count(b'aria-current="true"') == 1


def test_statements_of_the_inbox_do_not_grow_with_rows(fill, browse, statements):
    client = browse("reviewer")
    fill(1)
    one = statements(client, "/inbox/")
    fill(29)
    assert statements(client, "/inbox/") == one <= 25


def test_statements_of_the_request_page_do_not_grow_with_rows(desk, asked, fill, browse, statements):
    client, request = browse("reviewer"), desk.request_for(asked, "crm.customer.update")
    one = statements(client, f"/requests/{request.id}/")
    fill(29)
    assert statements(client, f"/requests/{request.id}/") == one <= 25
    assert statements(client, f"/requests/{request.id}/edit/") <= 25


def test_statements_of_a_decided_request_stay_few(desk, asked, browse, statements):
    request = desk.request_for(asked, "crm.customer.update")
    desk.answer(request, "edit", arguments={**request.action.arguments, "tier": "silver"})
    desk.rest(asked)
    newer = Request.objects.get(action__revises=request.action)
    for one in (request, newer):
        assert statements(browse("reviewer"), f"/requests/{one.id}/") <= 25
    assert Request.objects.get(pk=request.pk).status == RequestStatus.SUPERSEDED
