"""Conversations: what was said, by whom, and how far it is to be trusted. Apart from any run's own state."""

from uuid import UUID

from django.db import models

from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.environments import Environment
from workspaces.models import TenantRow


class Trust(models.TextChoices):
    TRUSTED = "trusted", "Trusted"
    UNTRUSTED = "untrusted", "Untrusted"


class MessageRole(models.TextChoices):
    REQUESTER = "requester", "Requester"
    AGENT = "agent", "Agent"
    PERSON = "person", "Person"


class Session(TenantRow):
    """One conversation of one agent about one subject, such as a customer; over several runs of one environment."""

    agent_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    subject_kind = models.CharField(max_length=40)
    subject_ref = models.CharField(max_length=200)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.LIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "agent_id", "subject_kind", "subject_ref", "environment"], name="session_once"
            ),
            tenant_key("session"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_ref}"


class Message(TenantRow):
    """One utterance. ``source`` says where the text came from; it is kept as it came."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="messages")
    run_id: "models.UUIDField[UUID, UUID]" = models.UUIDField()
    role = models.CharField(max_length=10, choices=MessageRole)
    source = models.CharField(max_length=100)
    trust = models.CharField(max_length=10, choices=Trust)
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            SameWorkspace(field="session", name="message_session_same_workspace"),
            models.UniqueConstraint(fields=["session", "run_id", "source"], name="message_once_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"
