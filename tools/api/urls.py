"""The API of the tools floor."""

from django.urls import path

from tools.api import views

urlpatterns = [
    path("tools/", views.ToolsView.as_view(), name="api-tools"),
    path("tools/<uuid:row_id>/", views.ToolView.as_view(), name="api-tool"),
    path("connections/", views.ConnectionsView.as_view(), name="api-connections"),
    path("connections/<uuid:row_id>/", views.ConnectionView.as_view(), name="api-connection"),
]
