"""The API's root: each app's endpoints under ``/api/v1/``, and the description of them all."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import cache_control
from drf_spectacular.views import SpectacularYAMLAPIView

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.yaml", cache_control(max_age=3600)(SpectacularYAMLAPIView.as_view()), name="openapi"),
    path("", include("agents.api.urls")),
    path("", include("approvals.api.urls")),
    path("", include("memory.api.urls")),
    path("", include("tools.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("workspaces.api.urls")),
]
