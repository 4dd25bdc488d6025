"""Where runs, rollbacks and conversations are."""

from django.urls import path

from agents.console import controls, effective, forks, live, runs, told

app_name = "runs"

urlpatterns = [
    path("runs/", runs.index, name="index"),
    path("runs/live/", live.runs, name="live"),
    path("runs/new/", runs.new, name="new"),
    path("runs/<uuid:run_id>/", runs.show, name="show"),
    path("runs/<uuid:run_id>/effective/", effective.of_run, name="effective"),
    path("runs/<uuid:run_id>/steps/<uuid:step_id>/told/", told.show, name="told"),
    path("runs/<uuid:run_id>/fork/", forks.new, name="fork"),
    path("runs/<uuid:run_id>/go-live/", forks.go_live, name="go-live"),
    path("runs/<uuid:run_id>/cancel/", controls.cancel, name="cancel"),
    path("runs/<uuid:run_id>/retry/", controls.retry, name="retry"),
    path("runs/<uuid:run_id>/pause/", controls.pause, name="pause"),
    path("runs/<uuid:run_id>/release/", controls.release, name="release"),
    path("runs/<uuid:run_id>/rollbacks/", controls.rollbacks, name="rollbacks"),
    path("rollbacks/<uuid:run_id>/", controls.rollback, name="rollback"),
    path("rollbacks/<uuid:run_id>/confirm/", controls.confirm, name="rollback-confirm"),
    path("sessions/<uuid:session_id>/", runs.session, name="session"),
]
