"""Conversations: one a subject, each thing said once, kept as it came."""

import pytest

from memory.models import Message, MessageRole, Session, Trust
from memory.operations import append_message, session_for
from memory.operations.sessions import MAX_TEXT
from tests.factories import SETUP
from tests.house import events
from workspaces.ids import uuid7

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(cast):
    return begin(cast)


def begin(cast, agent_id=None, ref="7"):
    return session_for(
        workspace_id=cast.workspace.id,
        agent_id=agent_id or cast.workspace.id,
        subject_kind="customer",
        subject_ref=ref,
        by=SETUP,
    )


def say(session, text="Hello", run_id=None, source="ticket"):
    return append_message(
        session=session,
        run_id=run_id or session.id,
        role=MessageRole.REQUESTER,
        source=source,
        trust=Trust.UNTRUSTED,
        text=text,
        by=SETUP,
    )


def test_subject_has_one_conversation_with_an_agent(cast, session):
    assert begin(cast) == session
    assert begin(cast, ref="8") != session
    assert begin(cast, agent_id=uuid7()) != session
    assert Session.objects.count() == 3
    assert events(session) == ["session.begun"]


def test_same_source_of_the_same_run_is_said_once(session):
    first = say(session, "Hello")
    assert say(session, "Hello again") == first
    assert say(session, source="outcome") != first
    assert say(session, run_id=uuid7()) != first
    assert Message.objects.filter(session=session).count() == 3
    assert (first.text, events(first)) == ("Hello", ["message.added"])


def test_text_is_kept_within_bounds_and_without_what_no_database_takes(session):
    assert len(say(session, "x" * (MAX_TEXT + 1)).text) == MAX_TEXT
    assert "\x00" not in say(session, "a\x00b", source="other").text
