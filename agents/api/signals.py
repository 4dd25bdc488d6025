"""Signals: telling the runs that wait for something that it has come."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import RunSignal
from agents.operations import send_signal
from tools.models import Environment
from workspaces.api.idempotency import once
from workspaces.api.views import WorkspaceView
from workspaces.models import KeyScope


class SignalInput(serializers.Serializer[Any]):
    """A signal; ``id`` is the sender's own, by which a second sending of the same is known."""

    name = serializers.RegexField(r"^[a-z0-9][a-z0-9._-]{0,99}$", help_text="What has come, such as payment.settled.")
    key = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="Of which one, such as an order's number."
    )
    payload = serializers.JSONField(default=None, allow_null=True, help_text="At most 256 kB of JSON; untrusted.")
    id = serializers.CharField(max_length=200, default="", allow_blank=True)
    environment = serializers.ChoiceField(choices=Environment.choices, default=Environment.LIVE)


class SignalOutput(serializers.Serializer[Any]):
    """What became of a signal."""

    id = serializers.UUIDField(source="signal.id")
    name = serializers.CharField(source="signal.name")
    key = serializers.CharField(source="signal.key")
    status = serializers.ChoiceField(
        choices=[("delivered", "Delivered"), ("kept", "Kept")], help_text="Kept, for a week: nobody waits for it yet."
    )
    delivered_to = serializers.IntegerField(help_text="How many waiting runs were told now; 0 for one sent again.")
    received_at = serializers.DateTimeField(source="signal.received_at")


@extend_schema(tags=["runs"])
class SignalsView(WorkspaceView):
    """The way to tell runs that wait at an ``event`` node."""

    scope = KeyScope.RUNS
    queryset = RunSignal.objects.none()
    serializer_class = SignalOutput

    @extend_schema(operation_id="signals_create", request=SignalInput, responses={202: SignalOutput})
    def post(self, request: Request) -> Response:
        """Send a signal to every run that waits for its name and key, of the agents that the caller may start."""
        return once(request, self.workspace, lambda: self._send(request))

    def _send(self, request: Request) -> Response:
        asked = SignalInput(data=request.data)
        asked.is_valid(raise_exception=True)
        said = dict(asked.validated_data)
        sent = send_signal(workspace=self.workspace, by=self.caller, sent_id=said.pop("id"), **said)
        return Response(SignalOutput(sent).data, status=202)
