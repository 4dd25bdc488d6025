"""Forms that are sent twice are carried out once, and a refused pause comes back with what was typed."""

import re
import threading

import pytest
from django.db import connections

from agents.models import Run
from workspaces.models import IdempotencyRecord, Pause

KEY = re.compile(r'name="once" value="([0-9a-f-]{36})"')


@pytest.fixture
def owner(browse):
    return browse("owner")


@pytest.fixture
def reviewer(browse):
    return browse("reviewer")


def key_of(client, path, to=""):
    """Return the one-time key of the page's form that leads ``to`` an address; by default the page's own form."""
    page = client.get(path).content.decode()
    forms = re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL)
    action = f'action="{to}"' if to else "action="
    found = [form for form in forms if (action in form.split(">")[0]) == bool(to) and KEY.search(form)]
    return KEY.search(found[0])[1]


@pytest.mark.django_db
def test_a_task_sent_twice_is_one_run_and_leads_to_it(owner, desk):
    sent = {"agent": str(desk.desk.agent.id), "text": "Hello.", "once": key_of(owner, "/runs/new/")}
    first, second = owner.post("/runs/new/", sent), owner.post("/runs/new/", sent)
    run = Run.objects.get()
    assert [first["Location"], second["Location"]] == [f"/runs/{run.id}/"] * 2
    assert "has the task" in owner.get(second["Location"]).content.decode()


@pytest.mark.django_db
def test_going_back_to_write_something_else_is_another_run(owner, desk):
    sent = {"agent": str(desk.desk.agent.id), "once": key_of(owner, "/runs/new/")}
    places = {owner.post("/runs/new/", {**sent, "text": text})["Location"] for text in ("Hello.", "Goodbye.")}
    assert (len(places), Run.objects.count()) == (2, 2)


@pytest.mark.django_db
def test_the_key_of_one_person_is_nothing_to_another(owner, reviewer, desk):
    sent = {"agent": str(desk.desk.agent.id), "text": "Hello.", "once": key_of(owner, "/runs/new/")}
    assert owner.post("/runs/new/", sent)["Location"] != reviewer.post("/runs/new/", sent)["Location"]


@pytest.mark.django_db
def test_a_refused_task_keeps_its_key_and_may_be_sent_again(owner, desk):
    key = key_of(owner, "/runs/new/")
    sent = {"agent": str(desk.desk.agent.id), "text": " ", "once": key}
    assert f'value="{key}"' in owner.post("/runs/new/", sent).content.decode()
    assert not IdempotencyRecord.objects.exists()
    assert owner.post("/runs/new/", {**sent, "text": "Hello."}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 101, "ключ"])
def test_without_a_usable_key_each_form_is_carried_out(owner, desk, key):
    sent = {"agent": str(desk.desk.agent.id), "text": "Hello.", "once": key}
    assert [owner.post("/runs/new/", sent).status_code for _ in range(2)] == [302, 302]
    assert Run.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_start_one_run(owner, browse, desk):
    sent = {"agent": str(desk.desk.agent.id), "text": "Hello.", "once": key_of(owner, "/runs/new/")}
    clients, barrier, answers = [owner, browse("owner")], threading.Barrier(2), []

    def click(client):
        try:
            barrier.wait(60)
            answers.append(client.post("/runs/new/", sent)["Location"])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert answers == [f"/runs/{Run.objects.get().id}/"] * 2


@pytest.mark.django_db
def test_cancel_pause_and_release_sent_twice_are_done_once(reviewer, asked):
    page = f"/runs/{asked.id}/"
    for verb, said in (("pause", {"reason": "Look first"}), ("release", {}), ("cancel", {})):
        sent = {**said, "once": key_of(reviewer, page, f"{page}{verb}/")}
        assert [reviewer.post(f"{page}{verb}/", sent).status_code for _ in range(2)] == [302, 302], verb
    assert Pause.objects.count() == 1
    assert not Pause.objects.live().exists()
    asked.refresh_from_db()
    assert asked.status == "cancelled"


@pytest.mark.django_db
def test_a_rollback_confirmed_twice_leads_to_its_one_run(reviewer, desk, asked):
    desk.answer(desk.request_for(asked, "crm.customer.update"))
    desk.answer(desk.request_for(asked, "mail.reply"), by=desk.cast.finance)
    desk.rest(asked)
    preview = reviewer.post(f"/runs/{asked.id}/rollbacks/")["Location"]
    rollback = Run.objects.get(kind="rollback")
    sent = {"digest": rollback.plan_digest, "once": key_of(reviewer, preview, f"{preview}confirm/")}
    answers = [reviewer.post(f"{preview}confirm/", sent) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [f"/runs/{rollback.id}/"] * 2
    assert rollback.steps.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["run", "agent", "workspace"])
def test_a_refused_pause_comes_back_with_its_sentence_and_what_was_typed(owner, asked, place):
    paths = {
        "run": f"/runs/{asked.id}/pause/",
        "agent": f"/agents/{asked.agent_id}/pause/",
        "workspace": f"/pauses/workspace/{asked.workspace_id}/",
    }
    answer = owner.post(paths[place], {"reason": "<b>" + "x" * 500}, headers={"Referer": "http://testserver/runs/"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "1 to 500 characters" in page
    assert page.count("&lt;b&gt;xxx") == 1
    assert page.count('id="pause-refused"') == 1
    assert f'action="{paths[place]}"' in page
    assert not Pause.objects.exists()
    again = owner.post(paths[place], {"reason": "Look"}, headers={"Referer": f"http://testserver{paths[place]}"})
    assert owner.get(again["Location"]).status_code == 200


@pytest.mark.django_db
def test_a_refused_pause_keeps_that_rollbacks_are_stopped_too(owner, asked):
    path = f"/pauses/workspace/{asked.workspace_id}/"
    page = owner.post(path, {"reason": " "}).content.decode()
    assert 'value="true" checked' not in page.split("<main")[1]
    assert (
        'value="true" checked'
        in owner.post(path, {"reason": " ", "repair_allowed": "true"}).content.decode().split("<main")[1]
    )


@pytest.mark.django_db
def test_a_scope_that_is_paused_already_is_said_in_the_form(owner, asked):
    path = f"/runs/{asked.id}/pause/"
    owner.post(path, {"reason": "One"})
    answer = owner.post(path, {"reason": "Two of us"})
    assert (answer.status_code, "paused already" in answer.content.decode()) == (409, True)
    assert "Two of us" in answer.content.decode()


@pytest.mark.django_db
def test_a_decision_sent_twice_shows_the_one_that_was_made(reviewer, browse, desk, asked):
    request = desk.requests(asked)[0]
    page = f"/requests/{request.id}/"
    sent = {"kind": "approve", "binding": request.evidence_digest, "once": key_of(reviewer, page, f"{page}decisions/")}
    answers = [reviewer.post(f"{page}decisions/", sent) for _ in range(2)]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, page)] * 2
    assert request.decisions.count() == 1
    assert browse("finance").post(f"{page}decisions/", sent).status_code == 409
    assert reviewer.post(f"{page}decisions/", {**sent, "kind": "reject", "reason": "No."}).status_code == 409


@pytest.mark.django_db
def test_an_edit_sent_twice_makes_one_version(reviewer, desk, asked):
    page = f"/requests/{desk.request_for(asked, 'mail.reply').id}/edit/"
    shown = reviewer.get(page)
    form = shown.context["form"]
    sent = {form[name].html_name: form[name].value() for name in form.fields}
    sent |= {"binding": shown.context["binding"], "reason": "Mine", "once": key_of(reviewer, page)}
    body = next(name for name in sent if name.endswith("body"))
    sent[body] = "My own words."
    assert [reviewer.post(page, sent).status_code for _ in range(2)] == [302, 302]


@pytest.mark.django_db
def test_a_preview_is_discarded_by_who_may_roll_back(reviewer, desk, asked):
    preview = reviewer.post(f"/runs/{asked.id}/rollbacks/")["Location"]
    assert "Discard this preview" in reviewer.get(preview).content.decode()
    rollback = Run.objects.get(kind="rollback")
    assert reviewer.post(f"/runs/{rollback.id}/cancel/").status_code == 302
    shown = reviewer.get(preview).content.decode()
    assert "The run was cancelled." in shown
    assert "Discard this preview" not in shown
