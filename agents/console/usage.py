"""Usage: what the agents that somebody may see have used, by day, agent, customer or run."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents.console.found import agents_of
from agents.usage import CURRENCY, Group, grouped, labels, totals, usage_between
from tools.models import Environment
from workspaces.console.asking import person_of
from workspaces.console.links import USAGE, agent_url, run_url
from workspaces.console.listing import choice, page_of
from workspaces.console.run_shapes import UsageRow
from workspaces.tenancy import workspace_of

PERIODS: Final = {"1": "Today", "7": "7 days", "30": "30 days", "90": "90 days"}
DEFAULT: Final = "7"
GROUPS: Final = [one for one in Group.choices if one[0] != Group.STEP]
URLS: Final = {Group.AGENT: agent_url, Group.RUN: run_url}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what was used; days are those of UTC."""
    asked = request.GET.get("by", "")
    group = Group(asked) if asked in dict(GROUPS) else Group.DAY
    days = request.GET.get("days", "") if request.GET.get("days", "") in PERIODS else DEFAULT
    named = request.GET.get("agent", "")
    until = datetime.now(UTC).date() + timedelta(days=1)
    rows = usage_between(person_of(request), workspace_of(request), until - timedelta(days=int(days)), until)
    where = request.GET.get("environment", "")
    if where in Environment.values:
        rows = rows.filter(environment=where)
    agents = list(agents_of(request).order_by("name").values_list("name", "title"))
    if named in dict(agents):
        rows = rows.filter(agent_id__in=agents_of(request).filter(name=named).values("id"))
    found: Any = grouped(rows, group)
    page, pager = page_of(request, found)
    context = {
        "rows": _rows(group, page),
        "total": _row("All of it", totals(rows)),
        "pager": pager,
        "by": group.label,
        "filters": [
            choice("by", "By", GROUPS[1:], str(group), blank=GROUPS[0][1]),
            choice(
                "days", "Period", [one for one in PERIODS.items() if one[0] != DEFAULT], days, blank=PERIODS[DEFAULT]
            ),
            choice("agent", "Agent", agents, named),
            choice("environment", "Environment", Environment.choices, where),
        ],
        "clear_url": USAGE if request.GET else "",
    }
    return render(request, "agents/usage.html", context)


def _rows(group: Group, page: Any) -> list[UsageRow]:
    named = labels(group, [row["key"] for row in page])
    url = URLS.get(group)
    return [_row(named.get(row["key"], ""), row, url(row["key"]) if url else "") for row in page]


def _row(label: str, row: dict[str, Any], url: str = "") -> UsageRow:
    return UsageRow(
        label=label,
        url=url,
        runs=row["runs"],
        calls=row["calls"],
        tokens_in=row["input_tokens"],
        tokens_out=row["output_tokens"],
        cost=row["known_cost"],
        currency=CURRENCY,
        unpriced=row["unpriced_calls"],
    )
