"""Where requests wait for people."""

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from django.db import models
from guardian.models import GroupObjectPermissionBase

from approvals.states import ExpiryDoes
from workspaces.access import granted, holders
from workspaces.constraints import tenant_key
from workspaces.models import Membership, Role, TenantRow, User
from workspaces.triggers import grant_within_workspace

DECIDE: Final = ["decide_reviewqueue"]


class ReviewQueueQuerySet(models.QuerySet["ReviewQueue"]):
    def visible_to(self, user: User) -> "ReviewQueueQuerySet":
        """Return the queues whose requests ``user`` may read."""
        return self.filter(granted(user, ReviewQueueGrant, ["view_reviewqueue", "decide_reviewqueue"]))

    def decidable_by(self, user: User) -> "ReviewQueueQuerySet":
        """Return the queues on whose requests ``user`` may decide, unless they caused them."""
        return self.filter(granted(user, ReviewQueueGrant, DECIDE))


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

    @staticmethod
    def deciders(queue_id: UUID, workspace_id: UUID, *, among: Collection[UUID]) -> Iterable[UUID]:
        """Return those of ``among`` who may decide in a queue, as far as rights go."""
        rows = User.objects.filter(holders(ReviewQueueGrant, DECIDE, queue_id, workspace_id), pk__in=among)
        return rows.values_list("pk", flat=True)

    @staticmethod
    def people_of(queue_id: UUID, workspace_id: UUID) -> "models.QuerySet[User]":
        """Return everybody in a team with any right on a queue, and the workspace's owners; disabled people too."""
        teams = ReviewQueueGrant.objects.filter(content_object_id=queue_id).values("group_id")
        in_teams = User.groups.through._default_manager.filter(group_id__in=teams).values("user_id")
        owners = Membership.objects.filter(workspace_id=workspace_id, role=Role.OWNER).values("user_id")
        return User.objects.filter(models.Q(pk__in=in_teams) | models.Q(pk__in=owners))


class ReviewQueueGrant(GroupObjectPermissionBase):
    """A team's right on one queue."""

    content_object = models.ForeignKey(ReviewQueue, models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        triggers = [grant_within_workspace("approvals_reviewqueue")]
