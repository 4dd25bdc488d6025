"""Setting agents up: what a run could not use is refused in a sentence when it is saved."""

import pytest

from agents.models import AgentVersion, ModelRoute
from agents.operations import create_agent, publish_version, save_route
from tests.factories import SETUP
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db
PLANNER = {"provider": "demo", "model": "demo-planner"}


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"model": None}, "model"),
        ({"model": "m" * 121}, "model"),
        ({"deadline_seconds": "soon"}, "deadline_seconds"),
        ({"deadline_seconds": 0}, "deadline_seconds"),
        ({"base_url": 5}, "base_url"),
        ({"connection": ["openai"]}, "connection"),
    ],
)
def test_endpoint_that_no_run_could_use_is_refused(cast, more, path):
    with pytest.raises(InvalidInput) as refused:
        save_route(workspace=cast.workspace, name="default", endpoints=[{**PLANNER, **more}], by=SETUP)
    assert [sentence.partition(":")[0] for sentence in refused.value.fields["endpoints"]] == [path]
    assert not ModelRoute.objects.exists()


@pytest.mark.parametrize("subject", [{"kind": "k" * 41}, {"feild": "id"}, {"tool": 5}, {"field": ""}])
def test_subject_that_no_run_could_use_is_refused(cast, subject):
    nothing = {"base_url": None, "connection": None, "deadline_seconds": None}
    route = save_route(workspace=cast.workspace, name="default", endpoints=[{**PLANNER, **nothing}], by=SETUP)
    agent = create_agent(workspace=cast.workspace, name="desk", title="Desk", by=SETUP)
    with pytest.raises(InvalidInput, match="subject cannot be used"):
        publish_version(agent=agent, goal="Help.", route=route, tools=[], subject=subject, by=SETUP)
    assert not AgentVersion.objects.exists()
