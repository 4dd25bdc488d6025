"""The inbox as rows: what a person may see of a workspace, what they may decide on first."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest

from approvals.models import Request, ReviewQueue
from approvals.states import RequestKind
from workspaces.console.links import EVENTS, INBOX, RUNS, request_url
from workspaces.console.listing import PAGE_SIZE, asked, choice, page_of
from workspaces.console.run_shapes import Filter, Pager
from workspaces.console.shapes import InboxRow, Onward
from workspaces.environments import Environment
from workspaces.models import User, Workspace

OPEN, OVER = "", "over"
FILTERS = ("kind", "queue", "agent", "state")


def seen_by(user: User, workspace: Workspace) -> QuerySet[Request, Any]:
    """Return the workspace's requests that ``user`` may read, without their evidence; theirs to decide come first."""
    mine = Request.objects.waiting_for(user).filter(workspace=workspace, pk=OuterRef("pk"))
    rows = Request.objects.visible_to(user).filter(workspace=workspace).defer("evidence")
    named = rows.annotate(
        decidable=Exists(mine),
        agent_title=KT("evidence__agent__title"),
        effect=KT("evidence__action__effect"),
        where=KT("evidence__run__environment"),
        system=KT("evidence__action__connection"),
        queue_title=F("queue__title"),
    )
    return named.order_by("-decidable", "-opened_at", "-id")


def narrowed(rows: QuerySet[Request, Any], request: HttpRequest) -> QuerySet[Request, Any]:
    """Return ``rows`` under the filters of a query string; a value that cannot be is one that nothing has."""
    rows = rows.exclude(status="open") if asked(request, "state") == OVER else rows.filter(status="open")
    if kind := asked(request, "kind"):
        rows = rows.filter(kind=kind)
    if queue := asked(request, "queue"):
        rows = rows.filter(queue__name=queue)
    if agent := asked(request, "agent"):
        try:
            rows = rows.filter(agent_id=UUID(agent))
        except ValueError:
            rows = rows.none()
    return rows


def filters(request: HttpRequest, user: User, workspace: Workspace) -> list[Filter]:
    """Return the inbox's filters; what stands in them is only what ``user`` may see."""
    queues = ReviewQueue.objects.visible_to(user).filter(workspace=workspace).order_by("title")
    named = Request.objects.visible_to(user).filter(workspace=workspace).open()
    agents = dict(named.order_by().values_list("agent_id", KT("evidence__agent__title")).distinct())
    found = [
        choice("kind", "Kind", RequestKind.choices, asked(request, "kind")),
        choice("queue", "Queue", queues.values_list("name", "title"), asked(request, "queue")),
        choice("agent", "Agent", [(str(i), title or str(i)) for i, title in agents.items()], asked(request, "agent")),
        choice("state", "State", [(OVER, "Over")], asked(request, "state"), blank="Waiting"),
    ]
    return found


def row(request: Request, selected: str = "") -> InboxRow:
    """Return one annotated request as a row of the list."""
    found: Any = request
    return InboxRow(
        id=str(request.id),
        url=request_url(request.id),
        title=request.title,
        agent=found.agent_title or "",
        kind=request.kind,
        status=request.status,
        at=request.opened_at,
        target=found.system or "",
        queue=found.queue_title,
        expires_at=request.expires_at if request.status == "open" else None,
        effect=found.effect or "",
        environment=found.where or Environment.LIVE,
        decidable=found.decidable or request.status != "open",
        selected=str(request.id) == selected,
    )


def inbox(request: HttpRequest, user: User, workspace: Workspace) -> dict[str, Any]:
    """Return the context of the inbox, filtered and paged as the query string asks."""
    found, pager = page_of(request, narrowed(seen_by(user, workspace), request))
    filtered = any(asked(request, name) for name in FILTERS)
    return {
        "rows": [row(one, asked(request, "selected")) for one in found],
        "pager": pager,
        "filters": filters(request, user, workspace),
        "clear_url": INBOX if filtered else "",
        "region_url": request.get_full_path(),
        **_around(user, workspace),
    }


def beside(user: User, workspace: Workspace, selected: Request) -> dict[str, Any]:
    """Return the first page of the inbox, to stand beside the request that is ``selected`` in it."""
    found = list(seen_by(user, workspace).filter(status="open")[: PAGE_SIZE + 1])
    pager = Pager(shown=PAGE_SIZE, next_url=f"{INBOX}?page=2") if len(found) > PAGE_SIZE else None
    return {
        "rows": [row(one, str(selected.id)) for one in found[:PAGE_SIZE]],
        "pager": pager,
        "region_url": f"{INBOX}?selected={selected.id}",
        **_around(user, workspace),
    }


def onward(request: Request, user: User) -> Onward | None:
    """Return the newest other request that ``user`` may decide on."""
    others = Request.objects.waiting_for(user).filter(workspace=request.workspace_id).exclude(pk=request.pk)
    found = others.order_by("-opened_at", "-id").values_list("id", "title").first()
    return Onward(url=request_url(found[0]), title=found[1]) if found else None


def waiting(user: User, workspace: Workspace) -> int:
    """Return the true count: how many requests of the workspace wait for ``user``."""
    return Request.objects.waiting_for(user).filter(workspace=workspace).count()


def _around(user: User, workspace: Workspace) -> dict[str, Any]:
    return {"waiting": waiting(user, workspace), "runs_url": RUNS, "events_url": EVENTS}
