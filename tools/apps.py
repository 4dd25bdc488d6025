"""Registers the tools floor with Django, and what it measures."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "tools"
    label = "tools"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit.metrics import register
        from tools.metrics import measured

        register(measured)
