"""The API of the workspaces floor."""

from django.urls import path

from workspaces.api import accounts, invitations, members, people, teams

urlpatterns = [
    path("me/", people.CallerView.as_view(), name="api-me"),
    path("members/", members.MemberListView.as_view(), name="api-members"),
    path("members/<uuid:row_id>/", members.MemberView.as_view(), name="api-member"),
    path("members/<uuid:row_id>/disable/", members.DisableView.as_view(), name="api-member-disable"),
    path("members/<uuid:row_id>/enable/", members.EnableView.as_view(), name="api-member-enable"),
    path("invitations/", invitations.InvitationsView.as_view(), name="api-invitations"),
    path("invitations/<uuid:row_id>/repeat/", invitations.RepeatView.as_view(), name="api-invitation-repeat"),
    path("invitations/<uuid:row_id>/withdraw/", invitations.WithdrawView.as_view(), name="api-invitation-withdraw"),
    path("teams/", teams.TeamsView.as_view(), name="api-teams"),
    path("teams/<uuid:row_id>/members/", teams.TeamMembersView.as_view(), name="api-team-members"),
    path("teams/<uuid:row_id>/members/<uuid:user_id>/", teams.TeamMemberView.as_view(), name="api-team-member"),
    path("teams/<uuid:row_id>/grants/<slug:kind>/", teams.GrantsView.as_view(), name="api-grants"),
    path(
        "teams/<uuid:row_id>/grants/<slug:kind>/<uuid:object_id>/<slug:right>/",
        teams.GrantView.as_view(),
        name="api-grant",
    ),
    path("service-accounts/", accounts.ServiceAccountsView.as_view(), name="api-service-accounts"),
    path("service-accounts/<uuid:row_id>/keys/", accounts.KeysView.as_view(), name="api-keys"),
    path("keys/<uuid:row_id>/revoke/", accounts.RevokeView.as_view(), name="api-key-revoke"),
]
