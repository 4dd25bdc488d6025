"""The request page once a request is decided, and while one looks at it: what became of it, and the way on."""

from tests.integration.console.test_requests import CHANGE, REPLY, address, decide
from tools.models import Action


def test_decided_request_says_who_what_came_of_it_and_leads_on(desk, asked, browse):
    request, other = desk.request_for(asked, CHANGE), desk.request_for(asked, REPLY)
    client = browse("reviewer")
    assert 'data-key="n"' not in client.get(address(request)).content.decode()
    decide(client, request)
    text = client.get(address(request)).content.decode()
    assert "Approved by Reviewer" in text
    assert "as soon as a worker gets to it" in text
    assert f'class="onward" href="{address(other)}"' in text
    desk.rest(asked)
    assert "It was carried out. Read back" in client.get(address(request)).content.decode()


def test_refresh_of_a_memo_brings_it_only_when_something_moved(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    client, region = browse("finance"), {"HX-Request": "true"}
    page = client.get(address(request)).content.decode()
    seen = page.split('name="seen" value="')[1].split('"')[0]
    same = client.get(address(request), {"seen": seen}, headers=region)
    assert (same.status_code, same.content) == (204, b"")
    decide(browse("reviewer"), request)
    moved = client.get(address(request), {"seen": seen}, headers=region)
    text = moved.content.decode()
    assert moved.status_code == 200
    assert "<html" not in text
    assert "Approved by Reviewer" in text
    assert 'class="decision"' not in text


def test_superseded_request_leads_to_the_edited_version_that_needed_nobody(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    client = browse("reviewer")
    sent = {"/id": str(request.action.arguments["id"]), "/tier": "silver", "binding": request.evidence_digest}
    client.post(address(request, "edit/"), sent)
    revision = Action.objects.get(revises=request.action)
    text = client.get(address(request)).content.decode()
    assert "Edited by Reviewer" in text
    assert f'href="/runs/{asked.id}/#item-{revision.id}"' in text
    assert "the rules are checked for it now" in text


def test_approval_overtaken_by_the_world_is_not_called_the_reviewers_doing(desk, asked, browse):
    request = desk.request_for(asked, CHANGE)
    decide(browse("reviewer"), request)
    desk.crm.change(request.action.arguments["id"], tier="silver")
    desk.rest(asked)
    text = browse("finance").get(address(request)).content.decode()
    assert "Superseded by" not in text
    assert "Reviewer had approved it; nothing was carried out." in text


def test_title_names_whom_it_concerns(desk, asked):
    request = desk.request_for(asked, CHANGE)
    assert request.title == f"Update customer id {request.action.arguments['id']}: tier standard → gold"
