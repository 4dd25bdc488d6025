"""Setting tools up: what cannot be is refused in a sentence, and nothing is stored."""

import pytest

from config.demo.desk import FOUND
from tests.factories import SETUP
from tools.models import Tool
from tools.operations import create_connection, save_tool
from workspaces.errors import InvalidInput

pytestmark = pytest.mark.django_db
SMTP = {"host": "mail.example.com", "port": 25, "security": "none"}


def tool(cast, connection, **changes):
    said = {
        "workspace": cast.workspace,
        "name": "mail.reply",
        "title": "Send",
        "description": "Sends.",
        "connection": connection,
        "operation_name": "mail.send",
        "options": {"from": "a@example.com"},
        "by": SETUP,
    }
    return save_tool(**{**said, **changes})


def connection(workspace):
    return create_connection(workspace=workspace, name="mail", kind="smtp", config=SMTP, secret={}, by=SETUP)


def test_invariant_14_tool_on_another_workspaces_connection_is_refused(cast):
    foreign = connection(cast.elsewhere)
    with pytest.raises(InvalidInput, match="no such connection in this workspace"):
        tool(cast, foreign)
    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"options": {"from": "nobody"}}, "not one plain e-mail address"),
        ({"effect": "read"}, "more lenient"),
        ({"operation_name": "row.find", "options": {"columns": FOUND}}, "no operation"),
    ],
)
def test_tool_that_cannot_be_is_refused(cast, changes, sentence):
    mail = connection(cast.workspace)
    with pytest.raises(InvalidInput, match=sentence):
        tool(cast, mail, **changes)
    assert not Tool.objects.exists()


def test_connection_that_does_not_fit_its_kind_names_the_fields(cast):
    with pytest.raises(InvalidInput) as refused:
        create_connection(
            workspace=cast.workspace, name="mail", kind="smtp", config={"host": 5}, secret={"x": 1}, by=SETUP
        )
    assert any(field.startswith("config") for field in refused.value.fields)
