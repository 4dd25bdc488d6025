"""The API of the audit floor."""

from django.urls import path

from audit.api import views, webhooks

urlpatterns = [
    path("events/", views.EventsView.as_view(), name="api-events"),
    path("seals/", views.SealsView.as_view(), name="api-seals"),
    path("webhooks/", webhooks.WebhooksView.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:row_id>/", webhooks.WebhookRowView.as_view(), name="api-webhook"),
    path("webhooks/<uuid:row_id>/rotate/", webhooks.RotateView.as_view(), name="api-webhook-rotate"),
    path("webhooks/<uuid:row_id>/ping/", webhooks.PingView.as_view(), name="api-webhook-ping"),
    path("webhooks/<uuid:row_id>/deliveries/", webhooks.DeliveriesView.as_view(), name="api-deliveries"),
    path("webhooks/<uuid:row_id>/redeliver/", webhooks.RedeliverSinceView.as_view(), name="api-webhook-redeliver"),
    path("deliveries/<uuid:row_id>/redeliver/", webhooks.RedeliverView.as_view(), name="api-delivery-redeliver"),
]
