"""Setting tools up: what cannot be is refused in a sentence, and nothing is stored."""

import base64

import pytest

from config.demo.desk import FOUND
from tests.factories import SETUP
from tools.models import Tool
from tools.operations import create_connection, save_tool, set_tool_enabled, update_connection
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
        ({"options": {"from": "a@example.com", "recipient_domain": ["example.com"]}}, "recipient_domain, which"),
        ({"options": {"from": "a@example.com", "reply_to": "nobody"}}, "reply_to is not one plain"),
        ({"options": {"from": "a@example.com", "trusted_result": "no"}}, "must be true or false"),
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


def test_connection_whose_secret_cannot_be_opened_is_disabled_and_set_up_anew(cast, settings):
    mail = connection(cast.workspace)
    settings.ENCRYPTION_KEYS = ["another:" + base64.b64encode(b"a" * 32).decode()]
    assert not update_connection(connection=mail, is_enabled=False, by=SETUP).is_enabled
    with pytest.raises(InvalidInput, match="cannot be opened") as refused:
        update_connection(connection=mail, config=SMTP, by=SETUP)
    assert "secret" in refused.value.fields
    assert update_connection(connection=mail, secret={}, by=SETUP).open_secret() == {}


def test_disabled_tool_stays_disabled_when_something_else_of_it_is_saved(cast):
    mail = connection(cast.workspace)
    set_tool_enabled(tool=tool(cast, mail), enabled=False, by=SETUP)
    assert not tool(cast, mail).is_enabled
    assert not tool(cast, mail, title="Reply").is_enabled
    assert tool(cast, mail, title="Reply", is_enabled=True).is_enabled
