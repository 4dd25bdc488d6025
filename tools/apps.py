"""Registers the tools floor with Django."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    name = "tools"
    label = "tools"
    default_auto_field = "django.db.models.BigAutoField"
