"""The pages of budgets."""

from django.urls import path

from agents.console import budgets

app_name = "budgets"

urlpatterns = [
    path("budgets/", budgets.index, name="index"),
    path("budgets/new/", budgets.new, name="new"),
    path("budgets/<uuid:budget_id>/", budgets.show, name="show"),
]
