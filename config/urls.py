"""The one URL map: console, API and admin are mounted here."""

from django.urls import URLPattern, URLResolver, include, path

from approvals.console.live import inbox
from audit.metrics import metrics
from config import health
from workspaces.administration import site

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include("config.api")),
    path("admin/", site.urls),
    path("", include("workspaces.console.urls")),
    path("", include("workspaces.console.people_urls")),
    path("", include("approvals.console.urls")),
    path("", include("agents.console.urls")),
    path("", include("agents.console.agent_urls")),
    path("", include("agents.console.schedule_urls")),
    path("", include("agents.console.pause_urls")),
    path("", include("agents.console.fact_urls")),
    path("", include("memory.console.urls")),
    path("", include("agents.console.budget_urls")),
    path("", include("audit.console.urls")),
    path("", include("audit.console.webhook_urls")),
    path("live/", inbox, name="live"),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.forbidden"
handler404 = "config.problems.not_found"
handler500 = "config.problems.broken"
