"""The pages of pauses."""

from django.urls import path

from agents.console import pauses

app_name = "pauses"

urlpatterns = [
    path("pauses/", pauses.pauses_page, name="list"),
    path("pauses/<uuid:pause_id>/release/", pauses.release, name="release"),
    path("pauses/<slug:scope_kind>/<uuid:scope_id>/", pauses.pause, name="pause"),
]
