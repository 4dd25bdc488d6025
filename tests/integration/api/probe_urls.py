"""A small address map: one endpoint of every kind that the shared parts of the API serve."""

from django.urls import include, path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from workspaces.api.idempotency import once
from workspaces.api.views import WorkspaceView
from workspaces.errors import InvalidInput
from workspaces.models import KeyScope, Team


class TeamInput(serializers.Serializer):
    name = serializers.CharField(max_length=20)
    tags = serializers.ListField(child=serializers.CharField(max_length=3), required=False)


class TeamOutput(serializers.ModelSerializer):
    class Meta:
        model = Team
        fields = ["id", "name"]


@extend_schema(exclude=True)
class Teams(WorkspaceView):
    scope = KeyScope.PEOPLE
    serializer_class = TeamOutput

    def get(self, request):
        rows = self.paginate_queryset(Team.objects.filter(workspace=self.workspace))
        return self.get_paginated_response(TeamOutput(rows, many=True).data)

    def post(self, request):
        return once(request, self.workspace, lambda: self.create(request), required=True)

    def create(self, request):
        from workspaces.operations import teams

        sent = TeamInput(data=request.data)
        sent.is_valid(raise_exception=True)
        if sent.validated_data["name"] == "forbidden":
            raise InvalidInput("Not this name.", "Another.", {"name": ["Not this."]})
        team = teams.create_team(workspace=self.workspace, name=sent.validated_data["name"], by=self.caller)
        return Response(TeamOutput(team).data, status=201, headers={"Location": f"/teams/{team.id}"})


@extend_schema(exclude=True)
class OneTeam(WorkspaceView):
    def get(self, request, team_id):
        return Response(TeamOutput(self.find(Team.objects.all(), team_id)).data)


@extend_schema(exclude=True)
class Echo(APIView):
    scope = KeyScope.READ

    def post(self, request):
        return Response({"got": request.data})

    def get(self, request):
        raise RuntimeError("secret insides")


urlpatterns = [
    path("api/v1/teams/", Teams.as_view()),
    path("api/v1/teams/<uuid:team_id>/", OneTeam.as_view()),
    path("api/v1/echo/", Echo.as_view()),
    path("", include("config.urls")),
]
handler400 = "config.problems.bad_request"
handler403 = "config.problems.forbidden"
handler404 = "config.problems.not_found"
handler500 = "config.problems.broken"
