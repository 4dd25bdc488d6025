"""Where requests wait for people."""

from django.db import models
from guardian.models import GroupObjectPermissionBase

from approvals.states import ExpiryDoes
from workspaces.access import granted
from workspaces.constraints import tenant_key
from workspaces.models import TenantRow, User
from workspaces.triggers import grant_within_workspace


class ReviewQueueQuerySet(models.QuerySet["ReviewQueue"]):
    def visible_to(self, user: User) -> "ReviewQueueQuerySet":
        """Return the queues whose requests ``user`` may read."""
        return self.filter(granted(user, ReviewQueueGrant, ["view_reviewqueue", "decide_reviewqueue"]))

    def decidable_by(self, user: User) -> "ReviewQueueQuerySet":
        """Return the queues on whose requests ``user`` may decide, unless they caused them."""
        return self.filter(granted(user, ReviewQueueGrant, ["decide_reviewqueue"]))


class ReviewQueue(TenantRow):
    """Who may decide (by grants to teams), how many must, how fast, and what expiry does."""

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    quorum = models.PositiveSmallIntegerField(default=1)
    time_limit_seconds = models.PositiveIntegerField(default=7 * 24 * 3600)
    on_expiry = models.CharField(max_length=10, choices=ExpiryDoes, default=ExpiryDoes.EXPIRE)
    editors_may_approve = models.BooleanField(
        default=False, help_text="Whoever edits may also approve their own wording. Never holds for money."
    )
    is_default = models.BooleanField(default=False)

    objects = ReviewQueueQuerySet.as_manager()

    class Meta:
        permissions = [("decide_reviewqueue", "Can decide on requests of this queue")]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="queue_name_once"),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(is_default=True), name="queue_one_default"
            ),
            models.CheckConstraint(condition=models.Q(quorum__gte=1), name="queue_quorum_positive"),
            tenant_key("reviewqueue"),
        ]

    def __str__(self) -> str:
        return self.title


class ReviewQueueGrant(GroupObjectPermissionBase):
    """A team's right on one queue."""

    content_object = models.ForeignKey(ReviewQueue, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        triggers = [grant_within_workspace("approvals_reviewqueue")]
