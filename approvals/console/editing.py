"""The page on which somebody writes their own version of an action's arguments."""

from typing import Any

from approvals.console.memo import memo
from approvals.form_fields import ABSENT
from approvals.forms import ArgumentsForm
from approvals.models import Request
from workspaces.console.links import request_url
from workspaces.models import User


def edit_context(request: Request, user: User, form: ArgumentsForm, *, reason: str = "") -> dict[str, Any]:
    """Return the context of the form: each field beside the value that the agent proposed, where it was changed."""
    for name in [*form.fields][:1]:
        form.fields[name].widget.attrs["autofocus"] = True
    return {
        "page": memo(request, user),
        "form": form,
        "fields": [(form[name], _was(form, name), None) for name in form.fields],
        "binding": request.evidence_digest,
        "reason": reason,
        "cancel_url": request_url(request.id),
    }


def _was(form: ArgumentsForm, name: str) -> str | None:
    """Return the text that the field showed at first; None where the agent proposed no value."""
    field = form.fields[name]
    return None if getattr(field, "original", ABSENT) is ABSENT else str(field.initial)
