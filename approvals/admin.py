"""Policies to draft and review queues to set up; verdicts, requests and decisions to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from approvals.models import Decision, Policy, PolicyVersion, Request, ReviewQueue, ReviewQueueGrant, Verdict
from approvals.operations import draft_policy, save_queue
from workspaces.admin_forms import GrantForm, JsonField, OperationForm
from workspaces.administration import GrantSetup, OwnWorkspace, Records, Setup, site
from workspaces.models import User


@admin.register(Policy, site=site)
class PolicyAdmin(Records):
    """A policy is what its versions say; draft one there."""

    list_display = ("name", "title", "workspace", "created_at")
    list_select_related = ("workspace",)


class PolicyVersionForm(OperationForm):
    """The rules of a new draft, of a policy that is there already or is new."""

    name = forms.SlugField(max_length=60, help_text="Of the policy; a new name makes a new policy.")
    title = forms.CharField(max_length=120, help_text="Of a new policy; one that is there keeps its own.")
    rules = JsonField(empty=list, help_text="A list of rules, as docs/policies.md describes them.")


@admin.register(PolicyVersion, site=site)
class PolicyVersionAdmin(Setup):
    """Saving drafts. What is drafted is in force only once somebody activates it, which is not done here."""

    form = PolicyVersionForm
    changeable = False
    list_display = ("policy", "number", "status", "created_by", "created_at", "activated_by", "activated_at")
    list_select_related = ("policy", "created_by", "activated_by")
    list_filter = (OwnWorkspace, "status")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "name", "title", "rules") if obj is None else (*self.list_display, "digest", "rules")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = PolicyVersionForm if obj is None else OperationForm
        kwargs["fields"] = ["workspace", "rules"] if obj is None else []
        return super().get_form(request, obj, change, **kwargs)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return draft_policy(**data, by=by)


@admin.register(ReviewQueue, site=site)
class ReviewQueueAdmin(Setup):
    fixed = ("workspace", "name")
    fields = (
        "workspace",
        "name",
        "title",
        "quorum",
        "time_limit_seconds",
        "on_expiry",
        "editors_may_approve",
        "is_default",
    )
    list_display = ("name", "title", "quorum", "on_expiry", "is_default", "workspace")
    list_select_related = ("workspace",)

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        named = {"workspace": before.workspace, "name": before.name} if before is not None else {}
        return save_queue(**{**data, **named}, by=by)


@admin.register(ReviewQueueGrant, site=site)
class ReviewQueueGrantAdmin(GrantSetup):
    form = GrantForm


@admin.register(Verdict, site=site)
class VerdictAdmin(Records):
    list_display = ("id", "action_id", "outcome", "at")
    list_filter = (OwnWorkspace, "outcome")


@admin.register(Request, site=site)
class RequestAdmin(Records):
    list_display = ("title", "kind", "queue", "status", "approvals", "quorum", "opened_at", "expires_at")
    list_select_related = ("queue",)
    list_filter = (OwnWorkspace, "status", "kind")


@admin.register(Decision, site=site)
class DecisionAdmin(Records):
    list_display = ("request_id", "user", "kind", "settlement", "at")
    list_select_related = ("user",)
    list_filter = (OwnWorkspace, "kind")
