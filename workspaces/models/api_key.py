"""Keys by which a service account reaches the API."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from workspaces.models.base import TenantRow
from workspaces.models.user import User


class KeyScope(models.TextChoices):
    """What a key may be used for. A scope grants nothing: it leaves of the account's rights those that it names."""

    READ = "read", "Read what the account may see, and search"
    RUNS = "runs:write", "Start and cancel runs"
    DECISIONS = "decisions:write", "Decide on requests"
    ROLLBACKS = "rollbacks:write", "Preview and confirm rollbacks"
    PAUSES = "pauses:write", "Pause, and let go on"
    MEMORY = "memory:write", "Change facts, collections and documents"
    CONFIGURATION = "configuration:write", "Change agents, routes, tools, connections, budgets, rates and webhooks"
    PEOPLE = "people:write", "Change people, teams, service accounts and keys"


def every_scope() -> list[str]:
    """Return all scopes: a key that may do whatever its account may."""
    return list(KeyScope.values)


class ApiKey(TenantRow):
    """A hashed key of one service account in one workspace; the key itself is shown once, when it is made.

    Keys that are older than the rule may have no expiry; every new one has.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=40), default=every_scope)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantRow.Meta):
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=KeyScope.values, scopes__len__gte=1),
                name="api_key_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
