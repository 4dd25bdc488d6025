"""Forking a run on its page, and letting it go on live: forms, sentences, labels, and how many statements."""

import pytest

from agents.models import Run
from agents.operations import fork_run
from tools.models import Action

pytestmark = pytest.mark.django_db


def test_fork_is_made_from_the_page_once_and_says_that_it_is_simulated(desk, asked, browse, statements):
    client = browse("reviewer")
    page = client.get(f"/runs/{asked.id}/").content.decode()
    assert f"/runs/{asked.id}/fork/?step=1" in page
    form = client.get(f"/runs/{asked.id}/fork/?step=1").content.decode()
    assert "step 1 (Model call)" in form
    sent = {"step": "1", "version": "1", "message": "<b>Hi</b>", "once": "k"}
    led = [client.post(f"/runs/{asked.id}/fork/", sent) for _ in range(2)]
    assert {answer.status_code for answer in led} == {302}
    made = Run.objects.get(forked_from=asked)
    desk.rest(made)
    shown = client.get(f"/runs/{made.id}/").content.decode()
    assert "This run is simulated." in shown
    assert "As recorded in the run that this one was forked from" in shown
    assert "<b>Hi</b>" not in shown
    assert statements(client, f"/runs/{made.id}/") <= 25
    assert f"/runs/{made.id}/" in client.get(f"/runs/{asked.id}/").content.decode()


def test_what_does_not_fit_comes_back_with_a_sentence_and_what_was_typed(desk, asked, browse):
    client = browse("reviewer")
    read = asked.steps.filter(action__effect="read").first().number
    for result, word in (("{", "This is no JSON"), ("[1]", "Write an object")):
        answer = client.post(f"/runs/{asked.id}/fork/", {"step": read, "version": 1, "message": "Hm", "result": result})
        assert (answer.status_code, word in answer.content.decode(), "Hm" in answer.content.decode()) == (
            422,
            True,
            True,
        )
    waiting = asked.steps.filter(status="waiting").first().number
    answer = client.post(f"/runs/{asked.id}/fork/", {"step": waiting, "version": 1})
    assert (answer.status_code, "is not over" in answer.content.decode()) == (409, True)
    for step in ("99", "x", "1" * 30):
        assert client.get(f"/runs/{asked.id}/fork/?step={step}").status_code == 404
    assert not Run.objects.filter(forked_from=asked).exists()


def test_it_goes_live_by_a_button_that_states_what_follows(desk, asked, browse):
    made = fork_run(run_id=asked.id, at=1, by=desk.cast.owner)
    client = browse("reviewer")
    assert "stays undone" in client.get(f"/runs/{made.id}/").content.decode()
    assert client.get(f"/runs/{made.id}/go-live/").status_code == 405
    client.post(f"/runs/{made.id}/go-live/", {"once": "k"})
    made.refresh_from_db()
    assert (made.mode, made.made_live_by) == ("live", desk.cast.reviewer)
    shown = client.get(f"/runs/{made.id}/").content.decode()
    assert "let it go on live" in shown
    assert "This run is simulated." not in shown


def test_simulated_actions_are_labelled_everywhere(desk, asked, browse):
    made = desk.rest(fork_run(run_id=asked.id, at=0, by=desk.cast.owner))
    client = browse("reviewer")
    shown = client.get(f"/runs/{made.id}/").content.decode()
    assert "Simulated: nothing was changed or sent. People would have been asked" in shown
    action = Action.objects.filter(run_id=made.id, is_simulated=True).first()
    said = client.get(f"/api/v1/actions/{action.id}/").json()
    assert (said["status"], said["is_simulated"], said["result"]["simulated"]) == ("simulated", True, True)
    assert client.get(f"/api/v1/runs/{made.id}/").json()["mode"] == "simulated"
    rows = client.get(f"/api/v1/runs/{asked.id}/fork/").json()["results"]
    assert [row["id"] for row in rows] == [str(made.id)]
