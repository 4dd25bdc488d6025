"""The API of the audit floor."""

from django.urls import path

from audit.api import views

urlpatterns = [
    path("events/", views.EventsView.as_view(), name="api-events"),
    path("seals/", views.SealsView.as_view(), name="api-seals"),
]
