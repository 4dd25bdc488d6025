"""Schedules to set up."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from agents.models import Schedule
from agents.operations import change_schedule, create_schedule
from workspaces.administration import OwnWorkspace, Setup, site
from workspaces.models import User


@admin.register(Schedule, site=site)
class ScheduleAdmin(Setup):
    """Tasks given again and again; whoever makes one here gives it their own rights."""

    times = ("text", "cron", "time_zone", "overlap", "catch_up")
    fixed = ("agent", "environment", "reason", "next_at", "last_at", "created_by", "created_at")
    list_display = ("agent", "cron", "time_zone", "is_enabled", "next_at", "last_at", "created_by")
    list_select_related = ("agent", "created_by")
    list_filter = (OwnWorkspace, "is_enabled", "agent")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("agent", "environment", *self.times) if obj is None else (*self.fixed, *self.times, "is_enabled")

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        if before is not None:
            return change_schedule(schedule_id=before.pk, by=by, **data)
        values = dict(data)
        return create_schedule(agent_id=values.pop("agent").pk, by=by, **values)
