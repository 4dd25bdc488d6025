"""The pages of schedules."""

from django.urls import path

from agents.console import schedules

app_name = "schedules"

urlpatterns = [
    path("schedules/", schedules.index, name="index"),
    path("schedules/new/", schedules.new, name="new"),
    path("schedules/<uuid:schedule_id>/", schedules.show, name="show"),
    path("schedules/<uuid:schedule_id>/switch/", schedules.switch, name="switch"),
]
