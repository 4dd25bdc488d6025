"""The API's root: each app's endpoints under ``/api/v1/``, and the description of them all."""

from django.urls import URLPattern, URLResolver, path
from django.views.decorators.cache import cache_control
from drf_spectacular.views import SpectacularYAMLAPIView

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.yaml", cache_control(max_age=3600)(SpectacularYAMLAPIView.as_view()), name="openapi"),
]
