"""What stands around every page of the console; built only where a template asks for it, and only for members.

It is made here because it looks into every floor: requests that wait, pauses, model routes.
"""

from importlib import metadata
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from agents.console.pauses import live_pauses
from agents.models import ModelRoute
from approvals.console.rows import waiting
from workspaces.console import links
from workspaces.console.shapes import Frame, NavItem, WorkspaceChoice
from workspaces.models import Membership, Role, User, Workspace

PARTS: Final = {
    "requests": "inbox",
    "rollbacks": "runs",
    "sessions": "runs",
    "schedules": "runs",
    "deliveries": "webhooks",
    "documents": "knowledge",
    "teams": "people",
}
READERS: Final = {Role.OWNER, Role.AUDITOR}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Put ``frame`` into every template's context (a context processor)."""
    return {"frame": SimpleLazyObject(lambda: build(request))}


def build(request: HttpRequest) -> Frame | None:
    """Return the frame of a member's page; None for whoever is not signed in or belongs to no workspace."""
    user = getattr(request, "user", None)
    workspace: Workspace | None = getattr(request, "workspace", None)
    if not isinstance(user, User) or not workspace:
        return None
    mine = list(Membership.objects.filter(user=user).select_related("workspace").order_by("workspace__name"))
    role = next((one.role for one in mine if one.workspace_id == workspace.id), Role.MEMBER)
    return Frame(
        workspace=workspace.name,
        person=str(user),
        role=str(role).capitalize(),
        sign_out_url=reverse("console:sign-out"),
        version=version(),
        nav=_nav(waiting(user, workspace), role),
        here=_here(request),
        choices=[
            WorkspaceChoice(id=str(one.workspace_id), name=one.workspace.name, current=one.workspace_id == workspace.id)
            for one in mine
        ],
        switch_url=reverse("console:switch-workspace"),
        pauses=live_pauses(user, workspace),
        pause_url=reverse("pauses:pause", args=["workspace", workspace.id]) if role == Role.OWNER else "",
        pauses_url=reverse("pauses:list"),
        demo_planner=ModelRoute.objects.filter(workspace=workspace, endpoints__0__provider="demo").exists(),
    )


def version() -> str:
    """Return the installed version, or nothing where it runs from a checkout."""
    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:
        return ""


def _nav(count: int, role: str) -> list[NavItem]:
    items = [
        NavItem(key="inbox", label="Inbox", url=links.INBOX, icon="inbox", go="i", count=count),
        NavItem(key="runs", label="Runs", url=links.RUNS, icon="runs", go="r"),
        NavItem(key="agents", label="Agents", url=links.AGENTS, icon="agents", go="a"),
        NavItem(key="knowledge", label="Knowledge", url=links.KNOWLEDGE, icon="knowledge", go="k"),
        NavItem(key="facts", label="Facts", url=links.FACTS, icon="facts", go="f"),
        NavItem(key="usage", label="Usage", url=links.USAGE, icon="money", go="u"),
    ]
    if role == Role.OWNER:
        items += [
            NavItem(key="budgets", label="Budgets", url=links.BUDGETS, icon="seal", go="b"),
            NavItem(key="people", label="People", url=links.PEOPLE, icon="people", go="p"),
            NavItem(key="webhooks", label="Webhooks", url=links.WEBHOOKS, icon="send", go="w"),
        ]
    if role in READERS:
        items.append(NavItem(key="ledger", label="Ledger", url=links.LEDGER, icon="ledger", go="l"))
    return items


def _here(request: HttpRequest) -> str:
    part = request.path.split("/")[1]
    return PARTS.get(part, part)
