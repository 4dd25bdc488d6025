"""Registers the workspaces floor with Django."""

from django.apps import AppConfig
from django.conf import settings


class WorkspacesConfig(AppConfig):
    name = "workspaces"
    label = "workspaces"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from workspaces import failpoints

        failpoints.arm(settings.FAILPOINT)
