"""The pages of agents: who sees them, what they say, and the switch that stops one."""

import pytest

from workspaces.models import Pause

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(client, cast):
    """Ask for a page, or post to it, as somebody."""

    def ask(path, by="reviewer", data=None):
        client.force_login(cast[by])
        return client.get(path) if data is None else client.post(path, data)

    return ask


@pytest.mark.parametrize("by", ["owner", "reviewer", "finance"])
def test_people_of_an_agent_see_its_tools_and_limits(answer, desk, by):
    agent = desk.desk.agent
    assert agent.title in answer("/agents/", by).content.decode()
    for named in (agent.id, agent.name):
        text = answer(f"/agents/{named}/", by).content.decode()
        assert "crm.customer.update" in text
        assert "Can be undone exactly" in text
        assert "Steps a run" in text
        assert f"/runs/new/?agent={agent.id}" in text


@pytest.mark.parametrize("by", ["member", "stranger"])
def test_for_others_there_is_no_agent(answer, desk, by):
    agent = desk.desk.agent
    assert agent.title not in answer("/agents/", by).content.decode()
    for path in (f"/agents/{agent.id}/", f"/agents/{agent.name}/", "/agents/nonsense/"):
        assert answer(path, by).status_code == 404
    for verb in ("pause", "release"):
        assert answer(f"/agents/{agent.id}/{verb}/", by, {"reason": "x"}).status_code == 404
    assert not Pause.objects.exists()


def test_invariant_10_an_agent_is_paused_with_a_reason_and_released(answer, desk):
    agent = desk.desk.agent
    assert answer(f"/agents/{agent.id}/pause/").status_code == 405
    assert answer(f"/agents/{agent.id}/pause/", data={"reason": ""}).status_code == 422
    assert answer(f"/agents/{agent.id}/pause/", data={"reason": "It <b>errs"}).status_code == 302
    text = answer(f"/agents/{agent.id}/").content.decode()
    assert "It &lt;b&gt;errs" in text
    assert f"/agents/{agent.id}/release/" in text
    assert "Paused" in answer("/agents/").content.decode()
    run = desk.start("Hello.")
    assert run.status == "queued"
    assert "goes on when the pause is released" in answer(f"/runs/{run.id}/").content.decode()
    assert answer(f"/agents/{agent.id}/release/", data={}).status_code == 302
    assert answer(f"/agents/{agent.id}/release/", data={}).status_code == 404
    assert not Pause.objects.live().exists()


@pytest.mark.parametrize(
    ("path", "status"), [("/agents/%00/", 404), ("/runs/?agent=%00", 200), ("/runs/?kind=%00", 200)]
)
def test_the_character_nul_in_an_address_names_nothing(answer, path, status):
    assert answer(path).status_code == status
