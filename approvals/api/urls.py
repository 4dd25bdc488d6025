"""The API of the approvals floor."""

from django.urls import path

from approvals.api import setup, views

urlpatterns = [
    path("requests/", views.RequestsView.as_view(), name="api-requests"),
    path("requests/<uuid:row_id>/", views.RequestView.as_view(), name="api-request"),
    path("requests/<uuid:row_id>/decisions/", views.DecisionsView.as_view(), name="api-decisions"),
    path("requests/<uuid:row_id>/deciders/", views.DecidersView.as_view(), name="api-deciders"),
    path("queues/", setup.QueueSetupView.as_view(), name="api-queues"),
    path("queues/<uuid:row_id>/", setup.QueueView.as_view(), name="api-queue"),
    path("policies/", setup.PolicySetupView.as_view(), name="api-policies"),
    path("policy-versions/<uuid:row_id>/activate/", setup.PolicyActivationView.as_view(), name="api-policy-activate"),
    path("policies/<uuid:row_id>/", views.PolicyView.as_view(), name="api-policy"),
    path("policies/<uuid:row_id>/versions/", views.PolicyVersionsView.as_view(), name="api-policy-versions"),
]
