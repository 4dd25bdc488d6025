"""How an endpoint of a model route does: what it answered lately, and who is calling it now."""

from datetime import datetime

from django.db import models
from django.db.models import Case, Q, Value, When

from workspaces.constraints import tenant_key
from workspaces.database import ClockTimestamp
from workspaces.models import TenantRow


class Standing(models.TextChoices):
    """What people are told of an endpoint."""

    CLOSED = "closed", "Called"
    OPEN = "open", "Left alone after failures"
    HALF_OPEN = "half_open", "About to be tried by one call"
    ASKED_TO_WAIT = "asked_to_wait", "Asked for quiet"


class EndpointStateQuerySet(models.QuerySet["EndpointState"]):
    def standing(self) -> "EndpointStateQuerySet":
        """Annotate each row with its ``standing`` by the database's clock."""
        asked = When(retry_after_until__gt=ClockTimestamp(), then=Value(Standing.ASKED_TO_WAIT))
        open_now = When(opened_until__gt=ClockTimestamp(), then=Value(Standing.OPEN))
        tried = When(Q(opened_until__isnull=False), then=Value(Standing.HALF_OPEN))
        words = Case(asked, open_now, tried, default=Value(Standing.CLOSED), output_field=models.CharField())
        return self.annotate(standing=words)


class EndpointState(TenantRow):
    """One row an endpoint of a workspace, whichever routes name it; absent where it never failed and has no limit.

    ``digest`` is over what makes it that endpoint (provider, model, address, connection). ``leases`` holds the calls in
    flight, ``{id: [incarnation, until, priority]}`` with seconds since 1970: one whose worker is dead or whose time is
    over counts for nothing. ``requests_until`` and ``tokens_until`` say up to when its calls have used up what a minute
    allows (the generic cell rate algorithm: a leaky bucket that one time stands for). Written by
    ``agents.engine.endpoints`` only, by the database's clock.
    """

    digest = models.CharField(max_length=64)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    base_url = models.CharField(max_length=500, blank=True)
    connection = models.CharField(max_length=60, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="Since it last answered, within the window.")
    failing_since = models.DateTimeField(null=True)
    opened_until = models.DateTimeField(null=True, help_text="The breaker is open until then; then one call tries.")
    trial = models.CharField(max_length=60, blank=True, help_text="The lease of the one call that tries.")
    retry_after_until = models.DateTimeField(null=True, help_text="Until when the provider asked for quiet.")
    requests_until = models.DateTimeField(null=True)
    tokens_until = models.DateTimeField(null=True)
    looks_until = models.DateTimeField(null=True, help_text="When the last of those that wait for it looks again.")
    batch_waits_until = models.DateTimeField(
        null=True, help_text="Until when a share of its places is kept for batch runs, some of which wait for one."
    )
    leases = models.JSONField(default=dict)
    explanation = models.TextField(blank=True, help_text="What it said when it last failed.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = EndpointStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "digest"], name="endpoint_once"),
            tenant_key("endpointstate"),
        ]

    def __str__(self) -> str:
        return self.model

    @property
    def quiet_until(self) -> datetime | None:
        """Until when nobody calls it, where somebody or something said so."""
        return max((at for at in (self.opened_until, self.retry_after_until) if at is not None), default=None)
