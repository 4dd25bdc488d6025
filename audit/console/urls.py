"""The console page of the ledger."""

from django.urls import path

from audit.console import views

app_name = "audit"

urlpatterns = [path("ledger/", views.ledger_page, name="ledger")]
