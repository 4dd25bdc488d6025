"""One person's answer to one request. Append-only."""

import pgtrigger
from django.db import models
from django.db.models import Q

from approvals.models.request import Request
from approvals.states import DecisionKind, Settlement
from tools.models import Action
from workspaces.constraints import SameWorkspace
from workspaces.models import TenantRow, User

NOT_BY_ITS_CAUSE = """
    IF EXISTS (
        SELECT 1 FROM approvals_request r JOIN workspaces_user u ON u.id = NEW.user_id
        WHERE r.id = NEW.request_id AND (
            u.id = ANY(r.causes) OR u.owner_id = ANY(r.causes)
            OR EXISTS (SELECT 1 FROM workspaces_apikey k WHERE k.user_id = u.id AND k.created_by_id = ANY(r.causes))
        )
    ) THEN
        RAISE EXCEPTION 'nobody decides on what they caused' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""
PEOPLE_BEHIND = """
    SELECT u.id FROM workspaces_user u WHERE u.id = {account}
    UNION SELECT u.owner_id FROM workspaces_user u WHERE u.id = {account} AND u.owner_id IS NOT NULL
    UNION SELECT k.created_by_id FROM workspaces_apikey k WHERE k.user_id = {account}
"""
ONCE_A_HUMAN = """
    PERFORM 1 FROM approvals_request r WHERE r.id = NEW.request_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM approvals_decision d WHERE d.request_id = NEW.request_id
        AND EXISTS ((EARLIER) INTERSECT (THIS_ONE))
    ) THEN
        RAISE EXCEPTION 'one person decides once, also through a service account or a key of one'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
""".replace("EARLIER", PEOPLE_BEHIND.format(account="d.user_id")).replace(
    "THIS_ONE", PEOPLE_BEHIND.format(account="NEW.user_id")
)


class Decision(TenantRow):
    """Who decided what, why, and on which frozen evidence. A trigger refuses anyone who caused the request."""

    request = models.ForeignKey(Request, models.PROTECT, related_name="decisions")
    user = models.ForeignKey(User, models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=10, choices=DecisionKind)
    reason = models.TextField(blank=True)
    settlement = models.CharField(max_length=10, choices=Settlement, blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=6, null=True, help_text="What a budget is raised to.")
    steps = models.PositiveIntegerField(null=True, help_text="What a step limit is raised to.")
    seconds = models.PositiveIntegerField(null=True, help_text="What a time limit is raised to.")
    answers = models.JSONField(null=True, help_text="What a form was filled in with.")
    revision = models.ForeignKey(Action, models.PROTECT, null=True, related_name="+")
    evidence_digest = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]
        constraints = [
            SameWorkspace(field="request", name="decision_request_same_workspace"),
            SameWorkspace(field="revision", name="decision_revision_same_workspace"),
            models.UniqueConstraint(fields=["request", "user"], name="decision_once_a_person"),
            models.CheckConstraint(
                condition=~Q(kind=DecisionKind.REJECT) | ~Q(reason=""), name="decision_rejection_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(kind=DecisionKind.EDIT) | Q(revision__isnull=False), name="decision_edit_has_revision"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="decision_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="decision_not_by_its_cause",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=NOT_BY_ITS_CAUSE,
            ),
            pgtrigger.Trigger(
                name="decision_once_a_human",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=ONCE_A_HUMAN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.user_id}"
