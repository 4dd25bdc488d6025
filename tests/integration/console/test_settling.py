"""Requests that are not about a proposal: an action in doubt is settled, a run at its limit extended or stopped."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Run
from agents.operations import start_run
from approvals.models import Decision, Request
from approvals.states import RequestKind
from tests.integration.console.test_requests import REPLY, address, decide
from tools.models import Action


@pytest.fixture
def reply(desk, asked, browse):
    """The request about a reply that was approved, and then taken by a mail server that broke off."""
    request = desk.request_for(asked, REPLY)
    desk.mailbox.drop_after_data = True
    decide(browse("reviewer"), request)
    desk.rest(asked)
    return request


@pytest.fixture
def settle(reply):
    """The request to settle it."""
    return Request.objects.get(run_id=reply.run_id, kind=RequestKind.SETTLE)


def test_unknown_outcome_waits_as_a_settle_request_with_three_choices(reply, settle, browse):
    client = browse("finance")
    text = client.get(address(settle)).content.decode()
    assert re.search(r"for 1 answer\..*time runs out\s+<time[^>]*>[^<]*</time>\.", text, re.DOTALL)
    for part in ("It may or may not have happened", "happened", "retry", "give_up", "Support desk", "Find customer"):
        assert part in text, part
    assert settle.evidence["probe"]["sentence"][:30] in text
    nothing = decide(client, settle, "settle", reason="I looked")
    assert nothing.status_code == 422
    assert decide(client, settle, "settle", settlement="happened", reason="She has it").status_code == 302
    assert Action.objects.get(pk=reply.action_id).status == "succeeded"
    assert "It happened" in client.get(address(settle)).content.decode()


def test_settling_wrongly_keeps_what_was_typed(settle, browse):
    sent = {"kind": "settle", "settlement": "retry", "reason": "They have nothing", "binding": "0" * 64}
    answer = browse("finance").post(address(settle, "decisions/"), sent)
    assert answer.status_code == 409
    assert b">They have nothing</textarea>" in answer.content


@pytest.fixture
def stopped(desk, cast):
    """A run of the owner's that stands at its step limit."""
    text = f"Please move {desk.crm.anybody()['email']} to the gold tier."
    run = start_run(agent_id=desk.desk.agent.id, text=text, by=cast.owner)
    Run.objects.filter(pk=run.pk).update(step_limit=1)
    desk.rest(run)
    return Request.objects.get(run_id=run.id, kind=RequestKind.BUDGET)


def test_run_at_its_limit_asks_and_is_extended(desk, stopped, browse):
    client = browse("reviewer")
    text = client.get(address(stopped)).content.decode()
    assert "The run has reached its step limit of 1." in text
    assert "Support desk" in text
    assert decide(client, stopped, "budget", steps="20").status_code == 302
    run = desk.rest(Run.objects.get(pk=stopped.run_id))
    assert (run.step_limit, run.status) == (20, "waiting")
    assert "New step limit" in client.get(address(stopped)).content.decode()


def test_run_whose_time_is_up_asks_and_is_extended(desk, browse, cast):
    run = start_run(agent_id=desk.desk.agent.id, text="Hello.", by=cast.owner)
    began = timezone.now() - timedelta(seconds=100)
    Run.objects.filter(pk=run.pk).update(time_limit_seconds=90, time_up_at=began, started_at=began)
    desk.rest(run)
    asked, client = Request.objects.get(run_id=run.id), browse("reviewer")
    text = client.get(address(asked)).content.decode()
    assert "The run has reached its time limit of 90 seconds, without what people took." in text
    assert 'Up to how many minutes in all? <span class="muted small">now 1.5</span>' in text
    for wrong in ({"minutes": "1"}, {"minutes": "x"}, {"minutes": "9999999"}, {"steps": "99"}):
        answer = decide(client, asked, "budget", **wrong)
        assert answer.status_code == 422
        assert all(f'value="{typed}"' in answer.content.decode() for typed in wrong.values())
    assert decide(client, asked, "budget", minutes="10").status_code == 302
    run = desk.rest(run)
    assert (run.time_limit_seconds, run.status) == (600, "succeeded")
    assert "600 s" in client.get(address(asked)).content.decode()


@pytest.mark.parametrize(
    "sent",
    [{}, {"steps": "-1"}, {"steps": "0"}, {"steps": "1e9"}, {"amount": "NaN"}, {"amount": "-1"}, {"amount": "x"}],
)
def test_limit_that_is_none_is_refused_and_kept(stopped, browse, sent):
    answer = decide(browse("reviewer"), stopped, "budget", **sent)
    assert answer.status_code == 422
    for typed in sent.values():
        assert f'value="{typed}"' in answer.content.decode()
    assert not Decision.objects.exists()


def test_run_at_its_limit_is_stopped_with_a_reason(desk, stopped, browse):
    assert decide(browse("reviewer"), stopped, "reject", reason="Enough").status_code == 302
    run = desk.rest(Run.objects.get(pk=stopped.run_id))
    assert run.status == "failed"


def test_approved_request_in_doubt_leads_to_its_settlement_with_what_to_look_for(reply, settle, browse):
    client = browse("finance")
    text = client.get(address(reply)).content.decode()
    assert "nobody knows whether it happened" in text
    assert f'href="{address(settle)}"' in text
    shown = client.get(address(settle)).content.decode()
    assert "What to look for" in shown
    assert settle.evidence["probe"]["evidence"]["message_id"].strip("<>") in shown
