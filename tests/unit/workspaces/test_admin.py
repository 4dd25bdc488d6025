"""People, teams and keys in the admin; and the frame that every page of it shares."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin_pages import Pages, events, said
from tests.factories import make_person
from workspaces.administration import Records, Setup, site
from workspaces.models import ApiKey, IdempotencyRecord, Membership, Role, Team, User, Workspace

pytestmark = pytest.mark.django_db
REMOVABLE = {
    "agentgrant",
    "collectiongrant",
    "connectiongrant",
    "document",
    "fact",
    "membership",
    "reviewqueuegrant",
    "webhookendpoint",
}


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


def test_admin_is_closed_to_strangers_of_staff(cast):
    client = Client()
    anonymous = client.get(reverse("admin:workspaces_team_changelist"), follow=True)
    assert anonymous.redirect_chain[-1][0] == "/sign-in/?next=/admin/workspaces/team/"
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:index")).status_code == 403
    assert client.get(reverse("admin:login")).status_code == 403


def test_service_account_does_not_enter_even_as_staff(cast):
    assert Pages(cast.service).client.get(reverse("admin:index")).status_code == 403


def test_superuser_sees_only_their_own_workspaces(cast, pages):
    User.objects.filter(pk=cast.stranger.pk).update(is_superuser=True)
    theirs = Pages(cast.stranger)
    assert theirs.get(cast.reviewers, "change").status_code == 404
    assert theirs.get(cast.reviewers, "delete").status_code in {403, 404}
    assert theirs.get(cast.reviewers, "history").status_code == 404
    assert cast.reviewers.name not in theirs.get(Team).content.decode()
    assert pages.get(cast.reviewers, "change").status_code == 200


def test_invariant_14_foreign_and_absent_ids_are_answered_alike(cast, pages):
    mine, foreign = cast.reviewers, Team.objects.create(workspace=cast.elsewhere, name="x", group=_group())
    answers = [pages.get(foreign, "change")]
    foreign.pk = "01900000-0000-7000-8000-000000000000"
    answers.append(pages.get(foreign, "change"))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert pages.queries(mine, "change") > 0


def _group():
    from django.contrib.auth.models import Group

    return Group.objects.create(name="elsewhere")


def test_admin_looks_like_the_console(pages):
    body = pages.client.get(reverse("admin:index")).content.decode()
    assert "console/tokens.css" in body
    assert body.index("admin/css/base.css") < body.index("console/admin.css")
    assert "Deliveries" in body


def test_staff_without_a_workspace_sees_nothing(cast):
    body = Pages(make_person("nobody")).client.get(reverse("admin:index")).content.decode()
    assert "Memberships" not in body
    assert Pages(make_person("member2", cast.workspace)).get(Team).status_code == 403


def test_no_page_deletes_in_bulk_or_what_history_rests_on():
    for model, page in site._registry.items():
        assert isinstance(page, Records)
        removable = isinstance(page, Setup) and page.removable
        assert removable == (model._meta.model_name in REMOVABLE)
    assert "delete_selected" not in dict(site.actions)


def test_addresses_filter_only_by_what_is_shown(pages):
    assert pages.get(ApiKey, hash__startswith="a").status_code == 400


def test_workspace_is_created_by_whoever_asks(cast, pages):
    assert pages.add(Workspace, name="New", slug="new").status_code == 302
    assert Membership.objects.get(workspace__slug="new").user == cast.owner
    assert events("workspace.created", cast.owner) == 1


def test_member_comes_in_by_address_and_leaves(cast, pages):
    newcomer = make_person("newcomer")
    form = {"workspace": cast.workspace.pk, "role": "member"}
    assert "Nobody has an account" in said(pages.add(Membership, **form, email="no@example.com"))
    assert pages.add(Membership, **form, email=newcomer.email).status_code == 302
    assert "already belongs" in said(pages.add(Membership, **form, email=newcomer.email))
    membership = Membership.objects.get(user=newcomer)
    assert pages.change(membership, role="auditor").status_code == 302
    membership.refresh_from_db()
    assert membership.role == Role.AUDITOR
    pages.delete(membership)
    assert not Membership.objects.filter(user=newcomer).exists()
    assert [events(f"member.{verb}", cast.owner) for verb in ("added", "role_changed", "removed")] == [1, 1, 1]


def test_last_owner_stays_and_is_told_why(cast, pages):
    membership = Membership.objects.get(user=cast.owner, workspace=cast.workspace)
    assert "last owner" in said(pages.change(membership, role="member"))
    assert "last owner" in pages.delete(membership).content.decode()
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_nothing_goes_to_a_workspace_of_others(cast, pages):
    refused = pages.add(Membership, workspace=cast.elsewhere.pk, email=cast.owner.email, role="owner")
    assert "valid choice" in said(refused)
    assert not Membership.objects.filter(workspace=cast.elsewhere, user=cast.owner).exists()


def test_service_account_is_made_and_a_person_disabled(cast, pages):
    assert pages.add(User, workspace=cast.workspace.pk, name="robot", owner=cast.owner.pk).status_code == 302
    assert User.objects.get(name="robot").owner == cast.owner
    pages.act("disable", cast.member)
    cast.member.refresh_from_db()
    assert not cast.member.is_active
    assert [events(verb, cast.owner) for verb in ("service_account.created", "user.disabled")] == [2, 1]


def test_unusable_name_of_a_service_account_is_said_in_the_form(cast, pages):
    form = {"workspace": cast.workspace.pk, "owner": cast.owner.pk}
    assert "letters, digits" in said(pages.add(User, **form, name="a b"))


def test_team_is_made_and_filled(cast, pages):
    assert pages.add(Team, workspace=cast.workspace.pk, name="Night").status_code == 302
    team = Team.objects.get(name="Night")
    pages.change(team, people=[cast.reviewer.pk, cast.member.pk])
    pages.change(team, people=[cast.member.pk])
    assert list(team.group.user_set.all()) == [cast.member]
    verbs = ("team.created", "team.member_added", "team.member_removed")
    assert [events(verb, cast.owner) for verb in verbs] == [1, 2, 1]


def test_invariant_15_key_is_shown_once_and_its_digest_never(cast, pages):
    answer = pages.add(ApiKey, workspace=cast.workspace.pk, user=cast.service.pk, name="robot", scopes=["read"])
    key = ApiKey.objects.get(name="robot")
    assert key.scopes == ["read"]
    assert f"cs_{key.prefix}_" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    for page in ("change", "changelist", "history"):
        body = pages.get(key, page).content.decode()
        assert key.hash not in body
        assert f"cs_{key.prefix}_" not in body
    pages.act("revoke", key)
    key.refresh_from_db()
    assert key.revoked_at
    assert "revoked before" in pages.act("revoke", key).content.decode()
    assert [events(f"api_key.{verb}", cast.owner) for verb in ("issued", "revoked")] == [2, 1]


def test_invariant_15_answers_kept_for_repeats_are_not_shown(cast, pages):
    record = IdempotencyRecord.objects.create(
        workspace=cast.workspace, user=cast.owner, key="k", endpoint="/x/", response={"key": "s3cret"}
    )
    assert "s3cret" not in pages.get(record, "change").content.decode()


def test_passwords_are_not_shown(cast, pages):
    assert cast.reviewer.password not in pages.get(cast.reviewer, "change").content.decode()


def test_lists_ask_no_more_for_more_rows(cast, pages):
    lists = (User, Membership, Team, ApiKey)
    before = pages.lists(lists)
    for number in range(3):
        make_person(f"more{number}", cast.workspace)
        pages.add(Team, workspace=cast.workspace.pk, name=f"More {number}")
        pages.add(ApiKey, workspace=cast.workspace.pk, user=cast.service.pk, name=f"more{number}", scopes=["read"])
    assert pages.lists(lists) == before


def test_lists_narrow_to_a_workspace_of_ones_own(cast, pages):
    assert "Reviewers" in pages.get(Team, workspace=str(cast.workspace.pk)).content.decode()
    assert "Reviewers" in pages.get(Team, workspace=str(cast.elsewhere.pk)).content.decode()
