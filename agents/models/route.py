"""Where models are reached."""

from django.db import models

from workspaces.constraints import tenant_key
from workspaces.models import TenantRow


class ModelRoute(TenantRow):
    """An ordered list of model endpoints.

    ``endpoints`` holds objects ``{"provider", "model", "base_url", "connection", "deadline_seconds",
    "requests_per_minute", "tokens_per_minute", "at_once"}``; the connection names the one whose secret holds the API
    key, and is null where none is needed; a limit that is absent is none.
    """

    name = models.SlugField(max_length=60)
    endpoints = models.JSONField()
    max_output_tokens = models.PositiveIntegerField(default=2048)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="route_name_once"),
            tenant_key("modelroute"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_demo(self) -> bool:
        """Whether the first endpoint is the built-in planner, which is not a model."""
        return bool(self.endpoints) and self.endpoints[0].get("provider") == "demo"
