"""Forks: simulated runs that begin where another one stood, and letting them go on live."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.runs import RunRows
from agents.api.serializers import RunOutput, RunRow
from agents.models import Run
from agents.operations import fork_run, make_live
from workspaces.api.idempotency import once
from workspaces.api.views import RowsView
from workspaces.models import KeyScope


class ForkInput(serializers.Serializer[Any]):
    """Where to fork a run, and what is different there."""

    step = serializers.IntegerField(
        min_value=0, help_text="The number of the last step that is repeated; 0: none, it begins anew."
    )
    version = serializers.IntegerField(
        min_value=1, required=False, help_text="Another version of the same agent; left out: the run's own."
    )
    message = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="What the agent is told there; no workflow."
    )
    result = serializers.DictField(
        required=False, help_text="In place of what the call of this step gave; for agents without a workflow."
    )
    state = serializers.DictField(
        required=False, help_text="For a workflow: outputs of repeated nodes, by node; they fit the nodes' schemas."
    )


@extend_schema(tags=["forks"])
class ForksView(RunRows, RowsView):
    """The forks of one run."""

    scope = KeyScope.RUNS
    serializer_class = RunRow

    def visible(self) -> QuerySet[Run]:
        """Return the run's forks; a new one is made of any run that may be seen."""
        if self.request.method == "POST":
            return super().visible()
        return super().visible().filter(forked_from=self.find(super().visible(), self.kwargs["row_id"]))

    @extend_schema(request=ForkInput, responses={201: RunOutput})
    def post(self, request: Request, row_id: UUID) -> Response:
        """Repeat the run's steps up to one of them, and go on from there, simulated: nothing is changed or sent."""
        run = self.find(self.visible(), row_id)
        return once(request, self.workspace, lambda: self._fork(request, run))

    def _fork(self, request: Request, run: Run) -> Response:
        sent = ForkInput(data=request.data)
        sent.is_valid(raise_exception=True)
        given: dict[str, Any] = dict(sent.validated_data)
        fork = fork_run(run_id=run.id, at=given.pop("step"), by=self.caller, **given)
        return self.shown_run(fork.id, 201, Location=f"/api/v1/runs/{fork.id}/")


@extend_schema(tags=["forks"])
class GoLiveView(RunRows):
    """The end of a simulation."""

    scope = KeyScope.RUNS
    serializer_class = RunOutput

    @extend_schema(request=None, responses=RunOutput)
    def post(self, request: Request, row_id: UUID) -> Response:
        """Let a simulated run go on live; a person does. What it has simulated is not carried out in retrospect."""
        run = self.find(self.visible(), row_id)
        return once(request, self.workspace, lambda: self.shown_run(make_live(run_id=run.id, by=self.caller).id))
