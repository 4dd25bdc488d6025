"""Signals: told once to each that waits, kept where nobody does, and refused where they do not fit."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from agents.engine.drive import drive
from agents.engine.flow.event import KEPT, forget_signals
from agents.models import RunSignal, Step
from agents.operations import send_signal
from tests.flows import nodes_of, step_of
from workspaces.errors import Forbidden, InvalidInput, StaleState, TooLarge

SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


def paid(**more):
    event = {"kind": "event", "name": "payment.settled", "key": {"$": "input.order"}, "schema": SCHEMA, **more}
    return {"paid": event}


@pytest.fixture
def signal(house):
    def send(key="7", payload=None, by=None, **more):
        said = {"name": "payment.settled", "key": key, "payload": payload or {"amount": 5}, **more}
        return send_signal(workspace=house.cast.workspace, by=by or house.cast.reviewer, **said)

    return send


@pytest.mark.django_db
def test_signal_reaches_the_run_that_waits_for_it(flows, house, signal):
    run = flows.run(paid(), {"order": 7})
    assert (run.status, nodes_of(run)) == ("waiting", [("paid", "waiting")])
    assert signal(key="8").status == "kept"
    sent = signal()
    assert (sent.status, sent.delivered_to) == ("delivered", 1)
    run = flows.rest(run)
    assert (run.status, run.outcome["result"]) == ("succeeded", {"amount": 5})
    assert not step_of(run, "paid").output["trusted"]
    assert house.cast.reviewer.id in run.causes


@pytest.mark.django_db
def test_signal_reaches_every_run_that_waits_once(flows, signal):
    flows.publish(paid())
    runs = [flows.rest(flows.start({"order": "7"})) for _ in range(3)]
    assert signal(sent_id="a").delivered_to == 3
    assert signal(sent_id="a").delivered_to == 0
    assert [flows.rest(run).status for run in runs] == ["succeeded"] * 3
    late = flows.rest(flows.start({"order": "7"}))
    assert late.status == "waiting"
    assert RunSignal.objects.count() == 1


@pytest.mark.django_db
def test_signal_that_nobody_waits_for_is_kept_and_taken_once(flows, signal):
    flows.publish(paid())
    assert signal().status == "kept"
    runs = [flows.rest(flows.start({"order": "7"})) for _ in range(2)]
    assert [run.status for run in runs] == ["succeeded", "waiting"]


@pytest.mark.django_db
def test_signal_is_kept_for_a_week(flows, signal):
    flows.publish(paid())
    signal()
    RunSignal.objects.update(received_at=timezone.now() - KEPT - timedelta(minutes=1))
    assert flows.rest(flows.start({"order": "7"})).status == "waiting"
    assert forget_signals() == 1


@pytest.mark.django_db
def test_payload_of_the_wrong_shape_is_refused_and_the_run_goes_on_waiting(flows, signal):
    run = flows.run(paid(), {"order": "7"})
    with pytest.raises(InvalidInput) as refused:
        signal(payload={"amount": "much"})
    assert refused.value.fields["payload"] == ["/amount: This has to be a whole number."]
    assert (flows.rest(run).status, RunSignal.objects.count()) == ("waiting", 0)
    signal()
    assert flows.rest(run).status == "succeeded"


@pytest.mark.django_db
def test_kept_payload_of_the_wrong_shape_is_left_alone(flows, signal):
    signal(payload={"amount": "much"})
    run = flows.run(paid(), {"order": "7"})
    assert run.status == "waiting"
    signal()
    assert flows.rest(run).status == "succeeded"


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["sorry", None])
def test_event_that_does_not_come_in_time_goes_another_way(flows, way):
    more = {"timeout_seconds": 3600, **({"on_timeout": way} if way else {})}
    sorry = {"sorry": {"kind": "code", "function": "same", "arguments": {"value": {"$": "nodes.paid.error"}}}}
    run = flows.run({**paid(**more), **(sorry if way else {})}, {"order": "7"})
    assert run.status == "waiting"
    past = timezone.now() - timedelta(seconds=1)
    step = step_of(run, "paid")
    Step.objects.filter(pk=step.pk).update(wake_at=past, input={**step.input, "deadline": past.isoformat()})
    run = flows.rest(run)
    sentence = "No signal payment.settled came in 3,600 seconds."
    assert (run.status, run.outcome and run.outcome["text"]) == (("succeeded", sentence) if way else ("failed", None))


@pytest.mark.django_db
def test_signals_of_another_environment_or_workspace_do_not_count(flows, house, signal):
    run = flows.run(paid(), {"order": "7"})
    assert signal(environment="sandbox").status == "kept"
    with pytest.raises(Forbidden):
        send_signal(workspace=house.cast.elsewhere, name="payment.settled", key="7", by=house.cast.stranger)
    assert flows.rest(run).status == "waiting"


@pytest.mark.django_db
def test_who_may_give_no_task_may_send_no_signal(flows, house, signal):
    flows.publish(paid())
    with pytest.raises(Forbidden):
        signal(by=house.cast.member)


@pytest.mark.django_db
def test_signal_of_somebody_without_the_right_on_this_agent_is_not_taken(flows, house, signal):
    from tests.factories import SETUP
    from workspaces.operations import teams

    teams.grant(team=house.cast.operators, codename="start_agent", target=house.agent, by=SETUP)
    run = flows.run(paid(), {"order": "7"})
    assert signal(by=house.cast.service).status == "kept"
    assert flows.rest(run).status == "waiting"


@pytest.mark.django_db
def test_id_is_used_for_one_signal(flows, signal):
    signal(sent_id="a")
    assert signal(sent_id="a").signal.sent_id == "a"
    with pytest.raises(StaleState):
        signal(sent_id="a", payload={"amount": 6})
    with pytest.raises(TooLarge):
        signal(payload={"amount": "x" * 300_000})


@pytest.mark.django_db
@pytest.mark.parametrize("key", [True, 1.5, ["x"], "k" * 201])
def test_key_is_a_text_or_a_whole_number(flows, key):
    run = flows.run(paid(), {"order": key})
    assert run.status == "failed"
    assert "The key of a signal" in run.explanation


@pytest.mark.django_db
def test_signal_over_the_api(flows, house):
    run = flows.run(paid(), {"order": "7"})
    client = APIClient()
    client.force_login(house.cast.reviewer)
    body = {"name": "payment.settled", "key": "7", "payload": {"amount": "x"}, "id": "evt-1"}
    refused = client.post("/api/v1/signals/", body, format="json")
    assert (refused.status_code, "amount" in str(refused.json())) == (422, True)
    sent = client.post("/api/v1/signals/", {**body, "payload": {"amount": 1}}, format="json")
    assert (sent.status_code, sent.json()["status"], sent.json()["delivered_to"]) == (202, "delivered", 1)
    again = client.post("/api/v1/signals/", {**body, "payload": {"amount": 1}}, format="json")
    assert (again.json()["id"], again.json()["delivered_to"]) == (sent.json()["id"], 0)
    kept = client.post("/api/v1/signals/", {"name": "nobody.waits"}, format="json")
    assert (kept.status_code, kept.json()["status"]) == (202, "kept")
    assert flows.rest(run).status == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_signal_finds_a_step_that_begins_to_wait_at_the_same_moment(flows, signal):
    flows.publish(paid())
    for key in range(8):
        run, begin, failures = flows.start({"order": key}), threading.Barrier(2), []

        def together(act, begin=begin, failures=failures):
            try:
                begin.wait(30)
                act()
            except Exception as error:
                failures.append(error)
            finally:
                connections.close_all()

        both = [lambda run=run: drive(run.id), lambda key=key: signal(key=str(key))]
        threads = [threading.Thread(target=together, args=[act]) for act in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        drive(run.id)
        run.refresh_from_db()
        assert (failures, run.status) == ([], "succeeded")
