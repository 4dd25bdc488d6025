"""Sessions: finding the one conversation of an agent about a subject, and adding to it."""

from uuid import UUID

from django.db import transaction

from audit.ledger.recording import record
from memory.models import Message, MessageRole, Session, Trust
from workspaces.actors import Actor, actor_text
from workspaces.canonical import sanitise
from workspaces.environments import Environment
from workspaces.salts import salted

MAX_TEXT = 100_000


def session_for(
    *,
    workspace_id: UUID,
    agent_id: UUID,
    subject_kind: str,
    subject_ref: str,
    by: Actor,
    environment: str = Environment.LIVE,
) -> Session:
    """Return the conversation of this agent about this subject in this environment, begun now if there was none."""
    with transaction.atomic():
        session, created = Session.objects.get_or_create(
            workspace_id=workspace_id,
            agent_id=agent_id,
            subject_kind=subject_kind,
            subject_ref=subject_ref,
            environment=environment,
        )
        if created:
            record(
                workspace_id=workspace_id,
                actor=actor_text(by),
                verb="session.begun",
                subject=("session", session.id),
                body={"agent": str(agent_id), "kind": subject_kind},
            )
    return session


def append_message(
    *, session: Session, run_id: UUID, role: MessageRole, source: str, trust: Trust, text: str, by: Actor
) -> Message:
    """Add what was said; saying the same source of the same run again changes nothing."""
    with transaction.atomic():
        message, created = Message.objects.get_or_create(
            session=session,
            run_id=run_id,
            source=source,
            defaults={
                "workspace_id": session.workspace_id,
                "role": role,
                "trust": trust,
                "text": sanitise(text)[:MAX_TEXT],
            },
        )
        if created:
            record(
                workspace_id=session.workspace_id,
                actor=actor_text(by),
                verb="message.added",
                subject=("message", message.id),
                body={
                    "session": str(session.id),
                    "source": source,
                    "trust": str(trust),
                    "text": salted(session.workspace_id, run_id, message.text),
                },
            )
    return message


def forget_messages(*, run_id: UUID) -> int:
    """Delete what one run added to its conversation; call in the transaction that records it. Return how many."""
    return Message.objects.filter(run_id=run_id).delete()[0]
