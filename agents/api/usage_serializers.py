"""One attempt at one model call, as the API shows it."""

from rest_framework import serializers

from tools.models import UsageRecord


class UsageOutput(serializers.ModelSerializer[UsageRecord]):
    """One attempt at one model call."""

    class Meta:
        model = UsageRecord
        fields = [
            "id",
            "step_id",
            "attempt",
            "provider",
            "model",
            "input_tokens",
            "output_tokens",
            "cached_tokens",
            "cache_written_tokens",
            "max_output_tokens",
            "cost",
            "currency",
            "latency_ms",
            "outcome",
            "explanation",
            "at",
        ]
        read_only_fields = fields
