"""Person nodes: a typed form in a queue, answered by people who had no part in the run."""

import pytest
from django.test import Client

from agents.engine.sweep import sweep
from approvals.errors import MayNotDecide
from approvals.models import Decision, Request
from tests.flows import nodes_of, step_of
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db
SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "title": "How much?", "minimum": 1},
        "note": {"type": "string", "title": "Note"},
    },
    "required": ["amount"],
    "additionalProperties": False,
}


def form(**more):
    return {"form": {"kind": "person", "title": "How much may it be?", "schema": SCHEMA, **more}}


def end(expression="nodes.form.output.amount"):
    return {"end": {"kind": "code", "function": "same", "arguments": {"value": {"$": expression}}}}


def asked(run):
    return Request.objects.open().get(run_id=run.id, kind="form")


def test_answers_are_the_output_and_trusted(flows, house):
    run = flows.run({**form(next="end", about={"order": {"$": "input.order"}}), **end()}, {"order": 7})
    request = asked(run)
    assert (run.status, nodes_of(run)) == ("waiting", [("form", "waiting")])
    assert (request.title, request.evidence["reads"][0]["result"]) == ("How much may it be?", {"order": 7})
    house.answer(request, arguments={"amount": 5})
    run = flows.rest(run)
    assert (run.status, run.outcome["result"]) == ("succeeded", 5), run.explanation
    assert step_of(run, "form").output["trusted"]
    assert house.cast.reviewer.id in run.causes
    assert Decision.objects.get(request=request).answers == {"amount": 5}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(None, "arguments"), ({}, "/amount"), ({"amount": "5"}, "/amount"), ({"amount": 5, "more": 1}, "/more")],
)
def test_answers_that_do_not_fit_are_refused_and_the_form_stays_open(flows, house, arguments, field):
    run = flows.run(form())
    with pytest.raises(InvalidInput) as refused:
        house.answer(asked(run), arguments=arguments)
    assert field in refused.value.fields
    assert asked(run)


def test_invariant_12_who_caused_the_run_fills_in_no_form_of_it(flows, house):
    from tests.factories import SETUP
    from workspaces.operations import teams

    teams.add_to_team(team=house.cast.reviewers, user=house.cast.owner, by=SETUP)
    run = flows.run(form())
    with pytest.raises(MayNotDecide):
        house.answer(asked(run), arguments={"amount": 5}, by=house.cast.owner)


@pytest.mark.parametrize("way", ["end", None])
def test_rejected_form_fails_the_node(flows, house, way):
    run = flows.run({**form(**({"on_failure": way} if way else {})), **(end("nodes.form.error") if way else {})})
    house.answer(asked(run), "reject", reason="Nothing at all.")
    run = flows.rest(run)
    said = run.outcome["text"] if way else run.explanation
    assert run.status == ("succeeded" if way else "failed")
    assert said.endswith("How much may it be?: Nothing at all.")


def test_message_is_no_answer_to_a_form(flows, house):
    run = flows.run(form())
    with pytest.raises(InvalidInput, match="cannot be answered with a message"):
        house.answer(asked(run), "respond", reason="Five.")


@pytest.mark.parametrize("way", ["end", None])
def test_form_that_nobody_fills_in_goes_another_way(flows, way):
    more = {"timeout_seconds": 60, **({"on_timeout": way} if way else {})}
    run = flows.run({**form(**more), **(end("nodes.form.error") if way else {})})
    Request.objects.filter(pk=asked(run).pk).update(expires_at="2020-01-01T00:00Z")
    assert sweep(lambda _run: None)
    run = flows.rest(run)
    assert run.status == ("succeeded" if way else "failed")


def test_lost_wake_up_is_found_by_the_sweep(flows, house, django_capture_on_commit_callbacks):
    run = flows.run(form())
    with django_capture_on_commit_callbacks(execute=False):
        house.answer(asked(run), arguments={"amount": 5})
    assert sweep(lambda _run: None)
    assert flows.rest(run).status == "succeeded"


def test_quorum_agrees_on_the_same_answers(flows, house):
    from approvals.models import ReviewQueue

    ReviewQueue.objects.filter(pk=house.queue.pk).update(quorum=2)
    run = flows.run(form())
    house.answer(asked(run), arguments={"amount": 5})
    with pytest.raises(InvalidInput, match="a quorum agrees on the same"):
        house.answer(asked(run), arguments={"amount": 6}, by=house.cast.finance)
    house.answer(asked(run), arguments={"amount": 5}, by=house.cast.finance)
    assert flows.rest(run).status == "succeeded"


def test_cancelling_closes_the_form(flows, house):
    from agents.operations import cancel_run

    run = flows.run(form())
    cancel_run(run_id=run.id, by=house.cast.reviewer)
    assert not Request.objects.open().filter(run_id=run.id).exists()


def test_form_that_is_not_needed_any_more_is_closed(flows, house):
    quick = {"start": "v", "nodes": {"v": {"kind": "wait", "for_seconds": 0, "next": "w"}, "w": end("1")["end"]}}
    branches = {"x": {"start": "form", "nodes": form()}, "y": quick}
    run = flows.run({"fan": {"kind": "parallel", "branches": branches, "join": "any"}})
    assert run.status == "succeeded", run.explanation
    assert not Request.objects.open().filter(run_id=run.id).exists()


def test_form_in_the_console(flows, house):
    run = flows.run({**form(next="end"), **end()})
    request = asked(run)
    client = Client()
    client.force_login(house.cast.reviewer)
    page = client.get(f"/requests/{request.id}/").content.decode()
    assert "Fill in" in page
    assert f"/requests/{request.id}/edit/" in page
    address = f"/requests/{request.id}/edit/"
    shown = client.get(address).content.decode()
    assert shown.index("How much?") < shown.index("Note")
    again = client.post(address, {"/amount": "0", "binding": request.evidence_digest})
    assert (again.status_code, "1 or more" in again.content.decode()) == (422, True)
    sent = client.post(address, {"/amount": "12", "/note": "", "binding": request.evidence_digest})
    assert sent.status_code == 302
    assert flows.rest(run).outcome["result"] == 12


def test_who_may_not_decide_is_shown_no_form(flows, house):
    run = flows.run(form())
    client = Client()
    client.force_login(house.cast.owner)
    assert client.get(f"/requests/{asked(run).id}/edit/").status_code in {403, 404}


def test_queue_that_is_not_there_is_refused(flows):
    with pytest.raises(InvalidInput, match="there is no queue 'nobody'"):
        flows.publish(form(queue="nobody"))
