"""What the run page says at once: what the run waits for, what each step is about, what came back, what to do next."""

import re

import pytest

from agents.models import Run
from agents.operations import cancel_run, start_run
from tools.models import UsageRecord

pytestmark = pytest.mark.django_db


def page_of(client, run):
    return client.get(f"/runs/{run.id}/").content.decode()


def test_every_open_request_is_named_and_linked(browse, desk, asked):
    page = page_of(browse("reviewer"), asked)
    waits = page.split('<ul class="waits">')[1].split("</ul>")[0]
    for request in desk.requests(asked):
        assert f"/requests/{request.id}/" in waits
    assert page.count("In flight") == 0


def test_a_step_says_what_it_is_about_and_what_came_back(browse, asked):
    page = page_of(browse("reviewer"), asked)
    assert "proposes crm.customer.find" in page
    assert "goal (trusted); ticket (untrusted): about" in page
    assert "What came back" in page
    about = re.findall(r'class="timeline-about">(.*?)</span>', page)
    assert any("anna.schmidt@" in told for told in about), about
    assert "after " in page


def test_the_demo_planner_is_no_model_whatever_the_route_begins_with(browse, asked):
    route = asked.version.route
    route.endpoints = [{"provider": "openai-chat", "model": "m", "connection": "c"}, *route.endpoints]
    route.save()
    page = page_of(browse("reviewer"), asked)
    assert "Written by the demo planner, which is not a model" in page
    assert "nobody has checked it" not in page


def test_the_same_failure_of_a_model_stands_there_once(browse, asked):
    first = UsageRecord.objects.filter(run_id=asked.id).first()
    same = {field.attname: getattr(first, field.attname) for field in first._meta.fields if field.name != "id"}
    for _ in range(3):
        UsageRecord.objects.create(**{**same, "outcome": "failed", "explanation": "The provider is overloaded."})
    page = page_of(browse("reviewer"), asked)
    assert "3 times: " in page
    assert page.count("The provider is overloaded.") == 1


def test_a_cancelled_run_can_be_started_again_with_its_task(browse, desk, cast):
    run = start_run(agent_id=desk.desk.agent.id, text="Hello <b>there</b>.", by=cast.owner)
    assert "Start it again" not in page_of(browse("owner"), run)
    cancel_run(run_id=run.id, by=cast.reviewer)
    shown = page_of(browse("owner"), run)
    assert f"/runs/new/?like={run.id}" in shown
    assert "roll it back" not in shown
    assert 'role="alert"' not in shown
    assert "Hello &lt;b&gt;there" in browse("owner").get(f"/runs/new/?like={run.id}").content.decode()
    for named in ("nonsense", "018f0000-0000-7000-8000-000000000000"):
        assert "Hello" not in browse("owner").get(f"/runs/new/?like={named}").content.decode().split("<main")[1]
    assert "there" not in browse("member").get(f"/runs/new/?like={run.id}").content.decode().split("<main")[1]
    assert Run.objects.count() == 1


def test_what_a_model_call_was_told_can_be_read_and_is_inert(browse, desk, asked, statements):
    Run.objects.filter(pk=asked.pk).update(input={**asked.input, "text": "Hello <b>there</b>.\u202e"})
    first, *_, last = asked.steps.filter(kind="model").order_by("number")
    address = f"/runs/{asked.id}/steps/{last.id}/told/"
    assert f'href="{address}"' in page_of(browse("reviewer"), asked)
    page = browse("reviewer").get(address).content.decode()
    assert "Hello &lt;b&gt;there" in page
    assert "\u202e" not in page
    assert page.count("untrusted</span>") >= 2  # the ticket, and what the look-up found
    assert "crm.customer.find (step 2)" in page
    assert statements(browse("reviewer"), address) <= 25
    before = browse("reviewer").get(address.replace(str(last.id), str(first.id))).content.decode()
    assert "ticket" in before
    assert "crm.customer.find (step 2)" not in before
    action = asked.steps.filter(kind="action").first()
    assert browse("reviewer").get(address.replace(str(last.id), str(action.id))).status_code == 404
