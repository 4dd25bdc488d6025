"""Registers the workspaces floor with Django."""

from django.apps import AppConfig


class WorkspacesConfig(AppConfig):
    name = "workspaces"
    label = "workspaces"
    default_auto_field = "django.db.models.BigAutoField"
