"""What stands around every page, pauses, and the ledger."""

from uuid import uuid4

import pytest

from agents.models import ModelRoute
from audit.console import pages
from audit.ledger.models import Event
from audit.ledger.recording import record
from tests.factories import make_person
from workspaces.console.links import SUBJECTS
from workspaces.models import Pause, Role
from workspaces.operations import people

PEOPLE = ["owner", "reviewer", "finance", "member"]


def pause_url(kind, row):
    return f"/pauses/{kind}/{row.id}/"


@pytest.mark.parametrize("name", PEOPLE)
def test_frame_says_where_and_who_one_is(desk, browse, name):
    frame = browse(name).get("/inbox/").context["frame"]
    assert (frame.workspace, frame.person, frame.here) == ("Here", name.title(), "inbox")
    assert frame.role == ("Owner" if name == "owner" else "Member")
    assert [item.key for item in frame.nav] == [
        "inbox",
        "runs",
        "agents",
        "knowledge",
        "facts",
        "usage",
        *(["budgets", "people", "webhooks", "ledger"] if name == "owner" else []),
    ]
    assert len({item.icon for item in frame.nav}) == len(frame.nav)
    assert bool(frame.pause_url) == (name == "owner")


def test_demo_planner_is_named_on_every_page_of_its_workspace_only(desk, browse, cast):
    sentence = b"The demo planner is not a model"
    for path in ("/inbox/", "/pauses/", f"/requests/{uuid4()}/"):
        assert sentence in browse("member").get(path).content
    assert sentence not in browse("stranger").get("/inbox/").content
    ModelRoute.objects.update(endpoints=[{"provider": "openai", "model": "m"}])
    assert sentence not in browse("member").get("/inbox/").content


@pytest.mark.parametrize("path", ["/inbox/", "/sign-in/", "/absent/", "/admin/"])
def test_content_policy_lets_a_page_load_from_here_and_nowhere_else(desk, browse, path):
    policy = dict(one.split(" ", 1) for one in browse("owner").get(path)["Content-Security-Policy"].split("; "))
    assert {name: value for name, value in policy.items() if value not in ("'self'", "'none'")} == {
        "img-src": "'self' data:"
    }
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"


def test_person_of_two_workspaces_may_switch(cast, browse):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    frame = browse("member").get("/inbox/").context["frame"]
    assert [(one.name, one.current) for one in frame.choices] == [("Elsewhere", False), ("Here", True)]


def test_owner_stops_the_workspace_and_lets_it_go_on(desk, asked, browse, cast):
    client = browse("owner")
    answer = client.post(
        pause_url("workspace", cast.workspace), {"reason": "Wrong <b>prices</b>", "repair_allowed": "true"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/pauses/")
    made = Pause.objects.get()
    assert (made.reason, made.allows_repair) == ("Wrong <b>prices</b>", True)
    assert b"This workspace is paused." in browse("member").get("/inbox/").content
    assert b"This workspace is paused." not in browse("stranger").get("/inbox/").content
    page = client.get("/pauses/").content
    assert b"Wrong &lt;b&gt;prices&lt;/b&gt;" in page
    assert client.post(f"/pauses/{made.id}/release/").status_code == 302
    assert not Pause.objects.live().exists()
    assert client.post(f"/pauses/{made.id}/release/").status_code == 409


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("reviewer", "workspace", 403), ("member", "workspace", 403), ("stranger", "workspace", 404),
        ("reviewer", "run", 302), ("member", "run", 404), ("stranger", "run", 404),
        ("reviewer", "agent", 302), ("member", "agent", 404), ("stranger", "agent", 404),
        ("reviewer", "tool", 403), ("owner", "tool", 302), ("owner", "nonsense", 422),
    ],
)  # fmt: skip
def test_scope_is_paused_by_those_with_the_right_only(desk, asked, browse, cast, name, kind, status):
    rows = {"run": asked, "agent": desk.desk.agent, "workspace": cast.workspace, "tool": desk.desk.send}
    answer = browse(name).post(pause_url(kind, rows.get(kind, asked)), {"reason": "Because"})
    if (name, kind) == ("stranger", "workspace"):
        status = 422 if answer.status_code == 422 else status
    assert answer.status_code == status
    assert Pause.objects.exists() == (status == 302)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_pause_without_a_reason_is_refused(browse, cast, reason):
    answer = browse("owner").post(pause_url("workspace", cast.workspace), {"reason": reason})
    assert answer.status_code == 422
    assert not Pause.objects.exists()


def test_pausing_leads_back_to_where_one_was_and_never_elsewhere(cast, browse):
    client = browse("owner")
    url = pause_url("workspace", cast.workspace)
    answer = client.post(url, {"reason": "r"}, headers={"Referer": "http://testserver/inbox/?kind=action"})
    assert answer["Location"] == "/inbox/?kind=action"
    made = Pause.objects.get()
    answer = client.post(f"/pauses/{made.id}/release/", headers={"Referer": "http://evil.example/inbox/"})
    assert answer["Location"] == "/pauses/"


def test_pause_of_a_run_is_seen_and_released_by_those_who_see_the_run(desk, asked, browse):
    browse("reviewer").post(pause_url("run", asked), {"reason": "Look first"})
    made = Pause.objects.get()
    for name, shown in (("finance", True), ("owner", True), ("member", False), ("stranger", False)):
        text = browse(name).get("/pauses/").content.decode()
        assert ("Look first" in text, f'<a href="/runs/{asked.id}/">' in text) == (shown, shown)
    for name in ("member", "stranger"):
        assert browse(name).post(f"/pauses/{made.id}/release/").status_code == 404
    assert browse("finance").post(f"/pauses/{made.id}/release/").status_code == 302


def test_pausing_is_never_a_get(cast, browse):
    assert browse("owner").get(pause_url("workspace", cast.workspace)).status_code == 405
    assert browse("owner").get(f"/pauses/{uuid4()}/release/").status_code == 405


def test_what_was_in_flight_is_shown(desk, asked, browse, cast):
    desk.mailbox.drop_after_data = True
    desk.answer(desk.request_for(asked, "mail.reply"))
    desk.rest(asked)
    browse("owner").post(pause_url("workspace", cast.workspace), {"reason": "Stop"})
    assert b"1 action in flight" in browse("reviewer").get("/pauses/").content
    assert b"in flight" not in browse("member").get("/pauses/").content


def test_statements_of_pauses_do_not_grow_with_rows(desk, cast, browse, statements):
    def stop(count):
        for _ in range(count):
            Pause.objects.create(
                workspace=cast.workspace, scope_kind="agent", scope_id=uuid4(), reason="r", created_by=cast.owner
            )

    stop(1)
    one = statements(browse("owner"), "/pauses/")
    stop(29)
    assert statements(browse("owner"), "/pauses/") == one <= 25


@pytest.mark.parametrize(("name", "status"), [("owner", 200), ("reviewer", 403), ("member", 403)])
def test_ledger_is_a_right_of_the_workspace(desk, browse, name, status):
    answer = browse(name).get("/ledger/")
    assert answer.status_code == status
    assert (b"Only owners and auditors" in answer.content) == (status == 403)
    assert (b"not yet sealed" in answer.content) == (status == 200)


def test_auditor_reads_the_ledger_and_finds_it(desk, cast, browse):
    make_person("auditor", cast.workspace, Role.AUDITOR)
    answer = browse("auditor").get("/inbox/")
    assert "ledger" in [item.key for item in answer.context["frame"].nav]
    assert browse("auditor").get("/ledger/").status_code == 200


def test_ledger_shows_no_event_of_another_workspace(desk, cast, browse, monkeypatch):
    record(
        workspace_id=cast.elsewhere.id, actor="system:tests", verb="secret.event", subject=("thing", uuid4()), body={}
    )
    text = browse("owner").get("/ledger/").content.decode()
    assert "secret.event" not in text
    count = Event.objects.filter(workspace_id=cast.workspace.id).count()
    assert f"{count} events not yet sealed" in text
    monkeypatch.setattr(pages, "MOST_COUNTED", count - 1)
    assert f"more than {count - 1} events not yet sealed" in browse("owner").get("/ledger/").content.decode()


def fill_ledger(cast, count):
    for _ in range(count):
        record(
            workspace_id=cast.workspace.id, actor="system:tests", verb="test.made", subject=("thing", uuid4()), body={}
        )


def test_ledger_pages_both_ways_without_losing_a_line(cast, browse):
    fill_ledger(cast, 120)
    client = browse("owner")
    pages, url = [], "/ledger/?verb=test.made"
    while url:
        answer = client.get(url)
        pages.append([row.subject_id for row in answer.context["events"]])
        url = answer.context["pager"].next_url
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({row for page in pages for row in page}) == 120
    back = client.get(answer.context["pager"].previous_url)
    assert [row.subject_id for row in back.context["events"]] == pages[1]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("verb=test.", 3), ("verb=%00", 0), ("subject=thing", 3), ("subject=nothing", 0), ("actor=system:tests", 3),
        ("older=1.1.1&verb=test.", 0), ("older=x&verb=test.", 3), ("seal=x&verb=test.", 3), ("subject=a:b", 0),
    ],
)  # fmt: skip
def test_ledger_is_narrowed_and_nonsense_finds_nothing(cast, browse, query, rows):
    fill_ledger(cast, 3)
    answer = browse("owner").get(f"/ledger/?{query}")
    assert answer.status_code == 200
    assert len(answer.context["events"]) == rows


def test_statements_of_the_ledger_do_not_grow_with_rows(cast, browse, statements):
    fill_ledger(cast, 1)
    one = statements(browse("owner"), "/ledger/")
    fill_ledger(cast, 29)
    assert statements(browse("owner"), "/ledger/") == one <= 25


def test_links_to_requests_resolve():
    from django.urls import resolve

    assert resolve(SUBJECTS["request"](uuid4())).view_name == "approvals:request"
