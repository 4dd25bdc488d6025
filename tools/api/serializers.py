"""Tools and connections as the API shows them. A secret goes in and never comes out."""

from typing import Any, Final

from rest_framework import serializers

from tools.models import Connection, Environment, Tool
from tools.operations.configuring import LONGEST_CALL
from tools.states import Effect

CHANGEABLE: Final = (
    "title", "description", "options", "effect", "egress", "moves_money", "deadline_seconds", "is_enabled"
)  # fmt: skip

COUNTERPART: Final = "The id of the sandbox connection that takes a live one's place in sandbox runs."
RESTRICTED: Final = "Only runs that owners, and teams with the right to use it, have started may go through it."


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
            "sandbox",
            "version",
            "is_restricted",
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
    kind = serializers.CharField(max_length=40, help_text="Which connector: postgres, smtp, stripe, …")
    config = serializers.DictField(help_text="Address and settings, without secrets, as the kind's schema says.")
    secret = serializers.DictField(write_only=True, help_text="The credential. It is encrypted and never shown.")
    environment = serializers.ChoiceField(
        choices=Environment.choices, default=Environment.LIVE, help_text="It stays in this one."
    )
    sandbox = serializers.UUIDField(required=False, allow_null=True, default=None, help_text=COUNTERPART)
    is_restricted = serializers.BooleanField(default=False, help_text=RESTRICTED)


class ConnectionChange(serializers.Serializer[Any]):
    """What may change of a connection; what is left out stays."""

    config = serializers.DictField(required=False)
    secret = serializers.DictField(required=False, write_only=True)
    is_enabled = serializers.BooleanField(required=False)
    is_restricted = serializers.BooleanField(required=False, help_text=RESTRICTED)
    sandbox = serializers.UUIDField(required=False, allow_null=True, help_text=f"{COUNTERPART} Null: none.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError(
                "Name what is to change: config, secret, is_enabled, is_restricted or sandbox."
            )
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
            "moves_money",
            "idempotency",
            "deadline_seconds",
            "is_enabled",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class ToolChange(serializers.Serializer[Any]):
    """What may change of a tool; what is left out stays. The schema of its arguments follows from its options."""

    title = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(
        max_length=5000, required=False, help_text="What the model reads about it: when to use it, and when not."
    )
    options = serializers.DictField(
        required=False, help_text="What the operation may touch, as docs/connectors.md says for each."
    )
    effect = serializers.ChoiceField(
        choices=Effect.choices, required=False, help_text="May be stricter than the operation's own."
    )
    egress = serializers.BooleanField(required=False, help_text="Whether it sends free text out; may only be stricter.")
    moves_money = serializers.BooleanField(
        required=False, help_text="Whether it pays, refunds or charges; may only be stricter."
    )
    deadline_seconds = serializers.IntegerField(
        min_value=1,
        max_value=LONGEST_CALL,
        allow_null=True,
        required=False,
        help_text="How long one call may take; null: what the settings say.",
    )
    is_enabled = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a change of nothing."""
        if not attrs:
            raise serializers.ValidationError(f"Name what is to change: {', '.join(CHANGEABLE)}.")
        return attrs


class ToolInput(ToolChange):
    """A new tool: one operation of a connection, narrowed by options."""

    name = serializers.RegexField(
        r"^[a-z][a-z0-9_.-]{0,99}$", help_text="Lower-case letters, digits, point, hyphen and underscore; it stays."
    )
    connection = serializers.UUIDField(help_text="The id of the connection that it goes through.")
    operation = serializers.CharField(max_length=60, help_text="One of the operations of the connection's kind.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields, of which a new tool needs title and description too."""
        fields = super().get_fields()
        for name in ("title", "description"):
            fields[name].required = True
        return fields
