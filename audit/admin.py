"""The ledger to read: its events and seals."""

from django.contrib import admin

from audit.ledger.models import Event, Seal
from workspaces.administration import OwnWorkspace, Records, site


@admin.register(Event, site=site)
class EventAdmin(Records):
    workspace_path = "workspace_id"
    ordering = ("-sequence",)
    list_display = ("sequence", "at", "actor", "verb", "subject_type", "subject_id")
    list_filter = (OwnWorkspace,)


@admin.register(Seal, site=site)
class SealAdmin(Records):
    workspace_path = "workspace_id"
    ordering = ("-at",)
    list_display = ("number", "workspace_id", "event_count", "merkle_root", "key_id", "at")
    list_filter = (OwnWorkspace,)
