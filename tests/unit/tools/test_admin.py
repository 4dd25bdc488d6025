"""Connections and tools in the admin; what the machine writes is only read there."""

import json

import pytest

from config.demo.desk import CHANGEABLE
from tests.admin_pages import Pages, events, said
from tools.models import Action, ActionAttempt, Connection, Tool, UsageRecord

pytestmark = pytest.mark.django_db

SECRET = "open-sesame-9c1f"
CONFIG = {"host": "crm.example", "port": 5432, "database": "crm", "user": "agent"}


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


@pytest.fixture
def form(cast):
    return {
        "workspace": cast.workspace.pk,
        "name": "crm",
        "kind": "postgres",
        "environment": "live",
        "config": json.dumps(CONFIG),
        "new_secret": json.dumps({"password": SECRET}),
    }


@pytest.fixture
def connection(cast, pages, form):
    assert pages.add(Connection, **form).status_code == 302
    return Connection.objects.get(name="crm")


@pytest.fixture
def tool_form(cast, connection):
    return {
        "workspace": cast.workspace.pk,
        "name": "crm.update",
        "title": "Update",
        "description": "Change a customer.",
        "connection": connection.pk,
        "operation": "row.update",
        "options": json.dumps({"table": "customers", "key": {"name": "id", "type": "integer"}, "columns": CHANGEABLE}),
        "effect": "",
        "is_enabled": "on",
    }


def test_invariant_15_secret_goes_in_and_never_comes_out(cast, pages, form, connection):
    assert connection.open_secret() == {"password": SECRET}
    assert events("connection.created", cast.owner) == 1
    answers = [pages.get(connection, page) for page in ("change", "changelist", "history")]
    answers.append(pages.add(Connection, **form))
    answers.append(pages.add(Connection, **{**form, "name": "other", "config": "{}"}))
    answers.append(pages.add(Connection, **{**form, "name": "other", "new_secret": f'{{"wrong": "{SECRET}"}}'}))
    answers.append(pages.add(Connection, **{**form, "name": "other", "new_secret": SECRET}))
    assert [answer.status_code for answer in answers] == [200] * 7
    assert [SECRET in answer.content.decode() for answer in answers] == [False] * 7
    assert Connection.objects.count() == 1


def test_what_does_not_fit_is_said_beside_its_field(pages, form):
    answer = pages.add(Connection, **{**form, "config": json.dumps({**CONFIG, "port": "high"})})
    errors = answer.context["adminform"].form.errors
    assert "port: This has to be a whole number." in errors["config"]
    assert "Correct the fields named." in said(answer)
    assert not Connection.objects.exists()


def test_empty_secret_keeps_the_stored_one(cast, pages, connection):
    moved = json.dumps({**CONFIG, "host": "crm2.example"})
    assert pages.change(connection, config=moved, new_secret="", is_enabled="on").status_code == 302
    connection.refresh_from_db()
    assert (connection.config["host"], connection.version) == ("crm2.example", 2)
    assert connection.open_secret() == {"password": SECRET}
    assert events("connection.changed", cast.owner) == 1


def test_saving_without_a_change_lets_clearances_live(pages, connection):
    pages.change(connection, config=json.dumps(CONFIG), new_secret="", is_enabled="on")
    connection.refresh_from_db()
    assert connection.version == 1


def test_tool_is_set_up_and_changed_by_the_operation(cast, pages, tool_form):
    assert pages.add(Tool, **tool_form).status_code == 302
    tool = Tool.objects.get(name="crm.update")
    assert (tool.effect, tool.idempotency, bool(tool.schema_digest)) == ("reversible", "conditional", True)
    stricter = {**tool_form, "effect": "irreversible"}
    assert pages.change(tool, **stricter).status_code == 302
    tool.refresh_from_db()
    assert tool.effect == "irreversible"
    assert "cannot be more lenient" in said(pages.change(tool, **{**stricter, "effect": "read"}))
    pages.act("disable", tool)
    tool.refresh_from_db()
    assert not tool.is_enabled
    assert [events(f"tool.{verb}", cast.owner) for verb in ("created", "changed", "disabled")] == [1, 1, 1]


def test_an_empty_form_shows_no_word_of_the_machine_where_json_goes(pages):
    shown = pages.get(Connection, "add").content.decode()
    assert 'name="config"' in shown
    assert ">\nnull</textarea>" not in shown


def test_unusable_options_are_said_beside_them(pages, tool_form):
    answer = pages.add(Tool, **{**tool_form, "options": "{}"})
    assert answer.context["adminform"].form.errors["options"]
    assert not Tool.objects.exists()


def test_invariant_14_tool_and_connection_of_different_workspaces_are_refused(cast, pages, tool_form):
    from workspaces.models import Role
    from workspaces.operations import people

    people.add_member(workspace=cast.elsewhere, user=cast.owner, role=Role.OWNER, by=cast.stranger)
    assert "different workspaces" in said(pages.add(Tool, **{**tool_form, "workspace": cast.elsewhere.pk}))


def test_foreign_rows_are_not_there(cast, connection):
    theirs = Pages(cast.stranger)
    assert [theirs.get(connection, page).status_code for page in ("change", "history")] == [404, 404]
    assert theirs.change(connection, config="{}", new_secret="", is_enabled="on").status_code == 404


def test_machine_rows_are_read_and_never_written(cast, pages, desk):
    run = desk.start(f"Please upgrade {desk.crm.anybody()['email']} to tier gold.")
    action = Action.objects.filter(run_id=run.id).first()
    attempt, usage = ActionAttempt.objects.first(), UsageRecord.objects.first()
    for row in (action, attempt, usage):
        assert pages.get(row, "change").status_code == 200
        assert pages.queries(row, "changelist") <= 25
        answers = [
            pages.get(row, "add"),
            pages.change(row, status="succeeded"),
            pages.client.post(pages.address(row, "delete")),
        ]
        assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_lists_ask_no_more_for_more_rows(pages, desk):
    lists = (Action, ActionAttempt, UsageRecord, Connection, Tool)
    text = f"Please upgrade {desk.crm.anybody()['email']} to tier gold."
    desk.start(text)
    before = pages.lists(lists)
    desk.start(text)
    assert pages.lists(lists) == before
