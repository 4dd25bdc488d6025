"""The API of the agents floor."""

from django.urls import path

from agents.api import actions, agents, budgets, economics, facts, overlays, pauses, runs, schedules, sessions, usage

urlpatterns = [
    path("agents/", agents.AgentsView.as_view(), name="api-agents"),
    path("agents/<uuid:row_id>/", agents.AgentView.as_view(), name="api-agent"),
    path("agents/<uuid:row_id>/versions/", agents.AgentVersionsView.as_view(), name="api-agent-versions"),
    path("agents/<uuid:row_id>/overlays/", overlays.OverlaysView.as_view(), name="api-agent-overlays"),
    path("agents/<uuid:row_id>/effective/", overlays.EffectiveView.as_view(), name="api-agent-effective"),
    path("runs/<uuid:row_id>/effective/", overlays.RunEffectiveView.as_view(), name="api-run-effective"),
    path("budgets/", budgets.BudgetsView.as_view(), name="api-budgets"),
    path("budgets/<uuid:row_id>/", budgets.BudgetView.as_view(), name="api-budget"),
    path("rates/", economics.RatesView.as_view(), name="api-rates"),
    path("economics/", economics.EconomicsView.as_view(), name="api-economics"),
    path("usage/", usage.UsageReportView.as_view(), name="api-usage-report"),
    path("routes/", agents.RoutesView.as_view(), name="api-routes"),
    path("routes/<uuid:row_id>/", agents.RouteView.as_view(), name="api-route"),
    path("runs/", runs.RunsView.as_view(), name="api-runs"),
    path("runs/<uuid:row_id>/", runs.RunView.as_view(), name="api-run"),
    path("runs/<uuid:row_id>/steps/", runs.StepsView.as_view(), name="api-steps"),
    path("runs/<uuid:row_id>/steps/<uuid:step_id>/retry/", runs.RetryView.as_view(), name="api-retry"),
    path("runs/<uuid:row_id>/facts/", facts.UsedFactsView.as_view(), name="api-used-facts"),
    path("steps/<uuid:row_id>/context/", facts.ContextView.as_view(), name="api-context"),
    path("facts/", facts.FactsView.as_view(), name="api-facts"),
    path("facts/<uuid:row_id>/", facts.FactView.as_view(), name="api-fact"),
    path("runs/<uuid:row_id>/usage/", runs.UsageView.as_view(), name="api-usage"),
    path("runs/<uuid:row_id>/cancel/", runs.CancelView.as_view(), name="api-cancel"),
    path("runs/<uuid:row_id>/rollbacks/", runs.RollbacksView.as_view(), name="api-rollbacks"),
    path("runs/<uuid:row_id>/confirm/", runs.ConfirmView.as_view(), name="api-confirm"),
    path("schedules/", schedules.SchedulesView.as_view(), name="api-schedules"),
    path("schedules/<uuid:row_id>/", schedules.ScheduleView.as_view(), name="api-schedule"),
    path("actions/", actions.ActionsView.as_view(), name="api-actions"),
    path("actions/<uuid:row_id>/", actions.ActionView.as_view(), name="api-action"),
    path("pauses/", pauses.PausesView.as_view(), name="api-pauses"),
    path("pauses/<uuid:row_id>/release/", pauses.ReleaseView.as_view(), name="api-release"),
    path("sessions/", sessions.SessionsView.as_view(), name="api-sessions"),
    path("sessions/<uuid:row_id>/", sessions.SessionView.as_view(), name="api-session"),
    path("sessions/<uuid:row_id>/messages/", sessions.MessagesView.as_view(), name="api-messages"),
]
