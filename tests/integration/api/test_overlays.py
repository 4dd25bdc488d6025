"""Overlays over the API and on pages: published by owners, read by whoever sees the agent, shown part by part."""

import pytest

from agents.engine.overlays import take_overlay
from agents.models import Overlay, Run
from memory.operations.sessions import session_for
from tests.factories import SETUP
from tests.house import ALLOW, events, house, world

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db
SAID = {"subject_ref": "42", "prompt": "Be <b>formal</b>.", "removed_tools": ["send"], "step_limit": 10}


@pytest.fixture
def url(house):
    return f"/api/v1/agents/{house.agent.id}/overlays/"


def test_an_overlay_is_published_once_a_key_and_each_time_anew(house, url, client_of):
    owner = client_of("owner")
    made = [owner.post(url, SAID, "json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    assert (made[0].json()["number"], made[0].json()["removed_tools"]) == (1, ["send"])
    assert owner.post(url, {"subject_ref": "42"}, "json").json()["number"] == 2
    assert owner.post(url, {**SAID, "subject_ref": "43"}, "json").json()["number"] == 1
    found = owner.get(f"{url}?subject_ref=42").json()["results"]
    assert [one["number"] for one in found] == [2, 1]
    assert events(house.agent).count("agent.overlay_published") == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"step_limit": 31}, "step_limit"),
        ({"step_limit": 0}, "step_limit"),
        ({"step_limit": "many"}, "step_limit"),
        ({"budget_usd": "-1"}, "budget_usd"),
        ({"removed_tools": ["nothing"]}, "removed_tools"),
        ({"removed_collections": ["nothing"]}, "removed_collections"),
        ({"rules": [ALLOW]}, "rules/0"),
        ({"rules": ["all"]}, "rules"),
        ({"subject_ref": ""}, "subject_ref"),
        ({"subject_ref": "x" * 201}, "subject_ref"),
        ({"prompt": "x" * 10_001}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
    ],
)
def test_what_would_widen_or_cannot_be_is_refused_by_field(house, url, client_of, wrong, field):
    answer = client_of("owner").post(url, {**SAID, **wrong}, "json")
    assert answer.status_code == 422, answer.content
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.content
    assert not Overlay.objects.exists()


def test_what_holds_is_shown_with_where_it_is_from(house, url, client_of, client, cast):
    owner = client_of("owner")
    owner.post(url, SAID, "json")
    effective = url.replace("overlays", "effective")
    shown = owner.get(f"{effective}?subject_ref=42").json()
    assert (shown["version"], shown["overlay"]["number"]) == (1, 1)
    parts = {(one["part"], one["value"]): one for one in shown["parts"]}
    assert parts["tool", "send"] == {
        "part": "tool", "value": "send", "origin": "overlay 1 for customer 42", "removed": True, "refused": "",
    }  # fmt: skip
    assert parts["tool", "look"]["origin"] == "version 1"
    assert owner.get(f"{effective}?subject_ref=41").json()["overlay"] is None
    assert owner.get(effective).json()["overlay"] is None
    for empty in ("subject_ref=", "subject_kind=&subject_ref=42"):
        assert owner.get(f"{effective}?{empty}").status_code == 422
    client.force_login(cast.owner)
    page = client.get(f"/agents/{house.agent.id}/effective/?ref=42").content.decode()
    assert "removed</span>" in page
    assert "Be &lt;b&gt;formal&lt;/b&gt;." in page
    assert "overlay 1 for customer 42" in page
    owner.post(url, {**SAID, "subject_ref": "4&2=?"}, "json")
    assert "?kind=customer&amp;ref=4%262%3D%3F" in client.get(f"/agents/{house.agent.id}/effective/").content.decode()
    for odd in ("?ref=%00", "?ref=41&kind=%3Cscript%3E", "?ref=" + "x" * 5000, "?page=moon"):
        answer = client.get(f"/agents/{house.agent.id}/effective/{odd}")
        assert answer.status_code == 200
        assert "<script>" not in answer.content.decode()
    assert "/effective/" in client.get(f"/agents/{house.agent.id}/").content.decode()


def test_an_agent_without_a_version_has_nothing_that_holds(house, url, client_of, client, cast):
    type(house.agent).objects.filter(pk=house.agent.pk).update(current_version=None)
    assert client_of("owner").get(url.replace("overlays", "effective")).status_code == 409
    client.force_login(cast.owner)
    assert "No version yet" in client.get(f"/agents/{house.agent.id}/effective/").content.decode()


def test_a_run_shows_what_it_took(house, url, client_of, client, cast):
    owner = client_of("owner")
    owner.post(url, SAID, "json")
    run = Run.objects.get(pk=house.run.pk)
    way = f"/api/v1/runs/{run.id}/effective/"
    assert owner.get(way).json()["overlay"] is None
    run.session = session_for(
        workspace_id=run.workspace_id, agent_id=run.agent_id, subject_kind="customer", subject_ref="42", by=SETUP
    )
    take_overlay(run)
    owner.post(url, {"subject_ref": "42"}, "json")
    shown = owner.get(way).json()
    assert shown["overlay"]["number"] == 1
    assert owner.get(f"/api/v1/runs/{run.id}/").json()["overlay"] == shown["overlay"]["id"]
    client.force_login(cast.owner)
    assert "Overlay 1 for customer 42" in client.get(f"/runs/{run.id}/").content.decode()
    assert "It took the overlay 1 for customer 42." in client.get(f"/runs/{run.id}/effective/").content.decode()
