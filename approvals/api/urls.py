"""The API of the approvals floor."""

from django.urls import path

from approvals.api import views

urlpatterns = [
    path("requests/", views.RequestsView.as_view(), name="api-requests"),
    path("requests/<uuid:row_id>/", views.RequestView.as_view(), name="api-request"),
    path("requests/<uuid:row_id>/decisions/", views.DecisionsView.as_view(), name="api-decisions"),
    path("requests/<uuid:row_id>/deciders/", views.DecidersView.as_view(), name="api-deciders"),
    path("queues/", views.QueuesView.as_view(), name="api-queues"),
    path("policies/", views.PoliciesView.as_view(), name="api-policies"),
    path("policies/<uuid:row_id>/", views.PolicyView.as_view(), name="api-policy"),
    path("policies/<uuid:row_id>/versions/", views.PolicyVersionsView.as_view(), name="api-policy-versions"),
]
