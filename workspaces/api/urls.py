"""The API of the workspaces floor."""

from django.urls import path

from workspaces.api import people

urlpatterns = [path("me/", people.CallerView.as_view(), name="api-me")]
