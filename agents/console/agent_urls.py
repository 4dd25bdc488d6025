"""Where agents are."""

from django.urls import path

from agents.console import agents, effective, usage

app_name = "agents"

urlpatterns = [
    path("usage/", usage.index, name="usage"),
    path("agents/", agents.index, name="index"),
    path("agents/<str:named>/", agents.show, name="show"),
    path("agents/<str:named>/worth/", agents.worth, name="worth"),
    path("agents/<str:named>/effective/", effective.of_agent, name="effective"),
    path("agents/<str:named>/pause/", agents.pause, name="pause"),
    path("agents/<str:named>/release/", agents.release, name="release"),
]
