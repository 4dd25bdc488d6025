"""Where facts are."""

from django.urls import path

from agents.console import facts

app_name = "facts"

urlpatterns = [
    path("facts/", facts.index, name="index"),
    path("facts/<uuid:fact_id>/", facts.show, name="show"),
    path("facts/<uuid:fact_id>/correct/", facts.correct, name="correct"),
    path("facts/<uuid:fact_id>/forget/", facts.forget, name="forget"),
]
