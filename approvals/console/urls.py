"""The console pages of the approvals floor."""

from django.urls import path
from django.views.generic import RedirectView

from approvals.console import views

app_name = "approvals"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="approvals:inbox"), name="home"),
    path("inbox/", views.inbox_page, name="inbox"),
    path("requests/<uuid:request_id>/", views.request_page, name="request"),
    path("requests/<uuid:request_id>/decisions/", views.decide_on, name="decide"),
    path("requests/<uuid:request_id>/deciders/", views.deciders_page, name="deciders"),
    path("requests/<uuid:request_id>/edit/", views.edit, name="edit"),
]
