"""Conversations to read."""

from django.contrib import admin

from memory.models import Message, Session
from workspaces.administration import OwnWorkspace, Records, site


@admin.register(Session, site=site)
class SessionAdmin(Records):
    list_display = ("subject_kind", "subject_ref", "agent_id", "created_at")


@admin.register(Message, site=site)
class MessageAdmin(Records):
    list_display = ("session_id", "run_id", "role", "source", "trust", "at")
    list_filter = (OwnWorkspace, "role", "trust")
