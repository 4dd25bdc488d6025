"""How long one call of a tool may take: what the settings say, or the tool itself."""

import pytest

from tests.house import make_tool
from tools.models import Action, Tool
from tools.operations.targets import call_for
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db


def test_call_takes_as_long_as_its_tool_says_and_no_longer_than_an_hour(house, settings):
    settings.TOOL_DEADLINE_SECONDS = 7
    action = house.propose("change")
    assert call_for(action).target.deadline_seconds == 7
    Tool.objects.filter(pk=action.tool_id).update(deadline_seconds=900)
    assert call_for(Action.objects.get(pk=action.pk)).target.deadline_seconds == 900
    with pytest.raises(InvalidInput, match="may not take so long"):
        make_tool(house.cast, house.connection, "look", deadline_seconds=3601)
