"""Webhooks and their deliveries as the API shows them. A secret is answered once, when it is made."""

from typing import Any

from rest_framework import serializers

from audit.models import Delivery, WebhookEndpoint
from audit.operations.endpoints import MAX_OVERLAP_HOURS, OVERLAP_HOURS


class WebhookOutput(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook, by all but its secrets."""

    verbs = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "url",
            "description",
            "verbs",
            "is_enabled",
            "disabled_reason",
            "failing_since",
            "previous_until",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class WebhookSecretOutput(WebhookOutput):
    """A webhook with its new secret, which is shown only now."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookOutput.Meta):
        fields = [*WebhookOutput.Meta.fields, "secret"]
        read_only_fields = fields


class WebhookInput(serializers.Serializer[Any]):
    """A new webhook."""

    url = serializers.CharField(max_length=500, help_text="Where events are sent: https://…")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    verbs = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=50,
        required=False,
        help_text="Which events: verbs such as request.approved, or families such as action.*; empty for all.",
    )


class WebhookChange(WebhookInput):
    """What may change of a webhook; what is left out stays."""

    url = serializers.CharField(max_length=500, required=False)
    is_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change: url, description, verbs or is_enabled.")
        return attrs


class RotationInput(serializers.Serializer[Any]):
    """How long the present secret goes on signing beside the new one."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=MAX_OVERLAP_HOURS, default=OVERLAP_HOURS, help_text="0 ends it at once."
    )


class SinceInput(serializers.Serializer[Any]):
    """From when on what did not arrive is sent again."""

    since = serializers.DateTimeField()


class RedeliveryOutput(serializers.Serializer[Any]):
    """How many deliveries were made; events that had none at all follow."""

    deliveries = serializers.IntegerField()


class DeliveryOutput(serializers.ModelSerializer[Delivery]):
    """One event on its way to one webhook."""

    class Meta:
        model = Delivery
        fields = [
            "id",
            "endpoint",
            "event_id",
            "verb",
            "cause",
            "status",
            "attempt",
            "failures",
            "next_at",
            "last_status",
            "last_problem",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields
