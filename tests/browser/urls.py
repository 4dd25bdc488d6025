"""The pages with samples, mounted by themselves."""

from django.urls import include, path

urlpatterns = [path("", include("workspaces.console.urls"))]
