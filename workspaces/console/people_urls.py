"""The console's pages about people and teams."""

from django.urls import path

from workspaces.console import invitations, people, teams

app_name = "people"

urlpatterns = [
    path("people/", people.index, name="index"),
    path("people/<uuid:user_id>/", people.show, name="show"),
    path("people/<uuid:user_id>/role/", people.change_role, name="role"),
    path("people/<uuid:user_id>/disable/", people.disable, name="disable"),
    path("people/<uuid:user_id>/enable/", people.enable, name="enable"),
    path("people/<uuid:user_id>/remove/", people.remove, name="remove"),
    path("people/<uuid:user_id>/second-factor/reset/", people.reset_factor, name="second-factor-reset"),
    path("people/<uuid:user_id>/unlock/", people.unlock, name="unlock"),
    path("people/second-factor/", people.require_factor, name="second-factor-required"),
    path("people/<uuid:user_id>/team/", people.change_team, name="team"),
    path("people/invitations/", invitations.index, name="invitations"),
    path("people/invitations/<uuid:invitation_id>/repeat/", invitations.repeat, name="invitation-repeat"),
    path("people/invitations/<uuid:invitation_id>/withdraw/", invitations.withdraw, name="invitation-withdraw"),
    path("join/<str:text>/", invitations.join, name="join"),
    path("teams/", teams.index, name="teams"),
    path("teams/<uuid:team_id>/", teams.show, name="team-show"),
    path("teams/<uuid:team_id>/people/<uuid:user_id>/remove/", teams.take_out, name="take-out"),
    path("teams/<uuid:team_id>/grants/<slug:kind>/", teams.change_grant, name="grant"),
]
