"""Tools and connections as the API shows them. A secret goes in and never comes out."""

from typing import Any

from rest_framework import serializers

from tools.models import Connection, Environment, Tool


class ConnectionOutput(serializers.ModelSerializer[Connection]):
    """A connection: its address, and whether it holds a secret."""

    config = serializers.DictField(read_only=True)
    has_secret = serializers.SerializerMethodField()

    class Meta:
        model = Connection
        fields = [
            "id",
            "name",
            "kind",
            "config",
            "has_secret",
            "environment",
            "version",
            "is_enabled",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_has_secret(self, connection: Connection) -> bool:
        """Say whether a secret is stored."""
        return connection.secret is not None


class ConnectionInput(serializers.Serializer[Any]):
    """A new connection."""

    name = serializers.SlugField(max_length=60)
    kind = serializers.CharField(max_length=40, help_text="Which connector: postgres, smtp, …")
    config = serializers.DictField(help_text="Address and settings, without secrets, as the kind's schema says.")
    secret = serializers.DictField(write_only=True, help_text="The credential. It is encrypted and never shown.")
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.LIVE)


class ConnectionChange(serializers.Serializer[Any]):
    """What may change of a connection; what is left out stays."""

    config = serializers.DictField(required=False)
    secret = serializers.DictField(required=False, write_only=True)
    is_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError("Name what is to change: config, secret or is_enabled.")
        return attrs


class ToolOutput(serializers.ModelSerializer[Tool]):
    """A tool with the schema of its arguments."""

    options = serializers.DictField(read_only=True)
    input_schema = serializers.DictField(read_only=True)

    class Meta:
        model = Tool
        fields = [
            "id",
            "name",
            "title",
            "description",
            "connection",
            "operation",
            "options",
            "input_schema",
            "schema_digest",
            "effect",
            "egress",
            "idempotency",
            "is_enabled",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
