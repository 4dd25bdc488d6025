"""The desk with its handbook and memory: set up once, searched, quoted, remembered."""

from dataclasses import replace

import pytest

from agents.operations import publish_version
from agents.providers import ToolCall
from agents.providers.base import ModelAnswer, Stop, Usage
from agents.providers.demo.letters import LANGUAGES
from config.demo import seed
from config.demo.desk import collections_of
from config.demo.knowing import set_up_handbook
from config.demo.story.model_server import chunks, request_of
from memory.models import Document, Fact, Trust
from tests.beginnings import begin_with
from tests.factories import SETUP
from tools.models import Action

pytestmark = pytest.mark.django_db


@pytest.fixture
def knowing(desk):
    """The desk with its handbook."""
    begin_with("handbook", lambda: take_in(desk.desk))
    return desk


def take_in(built):
    collection, search = set_up_handbook(built.workspace, seed.HANDBOOK.read_bytes(), SETUP)
    whole = replace(built, handbook=collection, search=search)
    publish_version(
        agent=built.agent, goal="Help.", route=built.route, tools=whole.tools, subject=built.subject,
        collections=collections_of(whole, built.agent.current_version), by=SETUP,
    )  # fmt: skip


def test_the_handbook_is_taken_in_once_and_vouched_for(knowing):
    workspace = knowing.desk.workspace
    again = set_up_handbook(workspace, b"# Other", SETUP)
    (document,) = Document.objects.filter(workspace=workspace)
    assert (document.collection, document.trust, document.status) == (again[0], Trust.TRUSTED, "ready")


def test_a_question_is_answered_from_the_handbook_and_a_wish_is_kept_to(knowing):
    customer = knowing.crm.anybody("standard")
    run = knowing.start(f"I am {customer['email']}. When are you open? Please always write to us in German.")
    mail = knowing.request_for(run, "mail.reply")
    assert "from eight to eighteen" in mail.action.arguments["body"]
    assert "Opening hours" in mail.action.arguments["body"]
    knowing.answer(knowing.request_for(run, "memory.remember"))
    knowing.rest(run)
    assert Fact.objects.get(run_id=run.id).value == "German"
    again = knowing.start(f"I am {customer['email']}. Thank you!")
    (letter,) = Action.objects.filter(run_id=again.id, tool__name="mail.reply")
    assert letter.arguments["subject"] == LANGUAGES["German"].subject


def test_the_storys_model_server_reads_back_what_it_streams():
    call = ToolCall("c1", "x_find", {"email": "ü@b.example"}, "")
    sent = [
        delta["tool_calls"][0]
        for chunk in chunks(ModelAnswer("", "", (call,), Stop.CALLS, Usage(), "m", "id"))
        for choice in chunk["choices"]
        if "tool_calls" in (delta := choice["delta"])
    ]
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Ticket"},
        {"role": "assistant", "content": "", "tool_calls": sent},
        {"role": "tool", "tool_call_id": "c1", "content": "{}"},
    ]
    schema = {"type": "object", "properties": {}}
    tools = [{"type": "function", "function": {"name": "x_find", "parameters": schema}}]
    request = request_of({"messages": messages, "tools": tools}, {"x_find": "read"})
    assert request.tools[0].effect == "read"
    assert request.messages[1].calls[0].arguments == call.arguments
    assert request.messages[2].name == "x_find"
