"""The pages of webhooks."""

from django.urls import path

from audit.console import webhooks

app_name = "webhooks"

urlpatterns = [
    path("webhooks/", webhooks.index, name="index"),
    path("webhooks/new/", webhooks.new, name="new"),
    path("webhooks/<uuid:endpoint_id>/", webhooks.show, name="show"),
    path("webhooks/<uuid:endpoint_id>/switch/", webhooks.switch, name="switch"),
    path("webhooks/<uuid:endpoint_id>/rotate/", webhooks.rotate, name="rotate"),
    path("webhooks/<uuid:endpoint_id>/ping/", webhooks.ping, name="ping"),
    path("webhooks/<uuid:endpoint_id>/again/", webhooks.again, name="again"),
    path("deliveries/<uuid:delivery_id>/redeliver/", webhooks.redeliver, name="redeliver"),
]
