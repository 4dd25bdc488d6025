"""Facts to correct and to forget."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from agents.operations.facts import correct_fact, forget
from memory.models import Fact
from workspaces.admin_forms import AnyJsonField, OperationForm
from workspaces.administration import OwnWorkspace, Setup, site
from workspaces.models import User


class FactForm(OperationForm):
    """What is true instead; empty (null) ends the claim."""

    value = AnyJsonField(required=False, help_text="A text in quotes, a number, true or false; empty: true no more.")


@admin.register(Fact, site=site)
class FactAdmin(Setup):
    """What agents remember. A correction closes the old claim; deleting forgets it wherever it was written down."""

    form = FactForm
    removable = True
    fixed = (
        "agent_id", "subject_kind", "subject_ref", "key", "source", "trust", "confidence", "status", "valid_from",
        "valid_until", "recorded_at", "run_id",
    )  # fmt: skip
    fields = (*fixed, "value")
    list_display = ("subject_kind", "subject_ref", "key", "trust", "status", "valid_from", "valid_until")
    list_filter = (OwnWorkspace, "status", "trust")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def perform(self, *, by: User, data: dict[str, Any], before: Any) -> models.Model:
        return correct_fact(fact_id=before.pk, value=data["value"], by=by)

    def remove(self, *, by: User, row: Any) -> None:
        forget(fact_id=row.pk, by=by)
