"""The API of the workspaces floor."""

from django.urls import path

from workspaces.api import accounts, people

urlpatterns = [
    path("me/", people.CallerView.as_view(), name="api-me"),
    path("service-accounts/", accounts.ServiceAccountsView.as_view(), name="api-service-accounts"),
    path("service-accounts/<uuid:row_id>/keys/", accounts.KeysView.as_view(), name="api-keys"),
    path("keys/<uuid:row_id>/revoke/", accounts.RevokeView.as_view(), name="api-key-revoke"),
]
