"""Who belongs to a workspace, and that somebody always owns it."""

import pytest

from audit.ledger.models import Event
from tests.factories import SETUP, make_person, make_team
from workspaces.access import role_in
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.models import Role, Workspace
from workspaces.operations import people


def verbs(workspace):
    return list(Event.objects.filter(workspace_id=workspace.id).order_by("sequence").values_list("verb", flat=True))


def test_create_workspace_makes_the_person_its_owner(db):
    person = make_person("ada")
    workspace = people.create_workspace(name="  Ada & Sons ", by=person)
    assert (workspace.name, workspace.slug) == ("Ada & Sons", "ada-sons")
    assert role_in(person, workspace.id) == Role.OWNER
    assert verbs(workspace) == ["workspace.created"]


@pytest.mark.parametrize(("name", "slug"), [("", "x"), ("a" * 121, ""), ("two\nlines", ""), ("!!!", ""), ("Here", "")])
def test_create_workspace_refuses_unusable_names(cast, name, slug):
    with pytest.raises(InvalidInput):
        people.create_workspace(name=name, slug=slug, by=cast.owner)
    assert Workspace.objects.count() == 2


def test_create_workspace_is_not_for_programs_or_disabled_people(cast):
    for nobody in (cast.service, cast.disabled):
        with pytest.raises(InvalidInput):
            people.create_workspace(name="Mine", by=nobody)
    with pytest.raises(InvalidInput):
        people.create_workspace(name="Nobody's", by=SETUP)


def test_add_member_is_for_owners(cast):
    person = make_person("grace")
    with pytest.raises(Forbidden):
        people.add_member(workspace=cast.workspace, user=person, by=cast.member)
    with pytest.raises(NotFound):
        people.add_member(workspace=cast.workspace, user=person, by=cast.stranger)
    people.add_member(workspace=cast.workspace, user=person, role=Role.AUDITOR, by=cast.owner)
    assert role_in(person, cast.workspace.id) == Role.AUDITOR
    assert verbs(cast.workspace)[-1] == "member.added"
    with pytest.raises(StaleState):
        people.add_member(workspace=cast.workspace, user=person, by=cast.owner)


def test_service_account_stays_in_its_workspace(cast):
    with pytest.raises(InvalidInput, match="one workspace"):
        people.add_member(workspace=cast.elsewhere, user=cast.service, by=cast.stranger)


def test_roles_change_but_service_accounts_never_own(cast):
    people.change_role(workspace=cast.workspace, user=cast.member, role=Role.OWNER, by=cast.owner)
    assert role_in(cast.member, cast.workspace.id) == Role.OWNER
    with pytest.raises(InvalidInput):
        people.change_role(workspace=cast.workspace, user=cast.service, role=Role.OWNER, by=cast.owner)
    with pytest.raises(InvalidInput):
        people.change_role(workspace=cast.workspace, user=cast.member, role="emperor", by=cast.owner)
    with pytest.raises(StaleState):
        people.change_role(workspace=cast.workspace, user=cast.member, role=Role.OWNER, by=cast.owner)


def test_last_owner_can_be_neither_demoted_nor_removed_nor_disabled(cast):
    with pytest.raises(Forbidden, match="last owner"):
        people.change_role(workspace=cast.workspace, user=cast.owner, role=Role.MEMBER, by=cast.owner)
    with pytest.raises(Forbidden, match="last owner"):
        people.remove_member(workspace=cast.workspace, user=cast.owner, by=SETUP)
    with pytest.raises(Forbidden, match="last owner"):
        people.disable_user(user=cast.owner, by=SETUP)
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=cast.owner)
    people.disable_user(user=cast.owner, by=cast.finance)
    assert role_in(cast.owner, cast.workspace.id) is None


def test_remove_member_takes_them_out_of_the_teams_of_this_workspace_only(cast):
    people.add_member(workspace=cast.elsewhere, user=cast.reviewer, by=cast.stranger)
    kept = make_team(cast.elsewhere, "Theirs", cast.reviewer)
    people.remove_member(workspace=cast.workspace, user=cast.reviewer, by=cast.owner)
    assert list(cast.reviewer.groups.all()) == [kept.group]
    assert role_in(cast.reviewer, cast.workspace.id) is None
    with pytest.raises(NotFound):
        people.remove_member(workspace=cast.workspace, user=cast.reviewer, by=cast.owner)


def test_anybody_may_leave_and_nobody_else_may_remove(cast):
    with pytest.raises(Forbidden):
        people.remove_member(workspace=cast.workspace, user=cast.finance, by=cast.member)
    people.remove_member(workspace=cast.workspace, user=cast.member, by=cast.member)
    assert role_in(cast.member, cast.workspace.id) is None


def test_disable_user_needs_every_workspace_of_theirs(cast):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    with pytest.raises(Forbidden):
        people.disable_user(user=cast.member, by=cast.owner)
    people.disable_user(user=cast.member, by=SETUP)
    assert verbs(cast.elsewhere)[-1] == verbs(cast.workspace)[-1] == "user.disabled"
    with pytest.raises(StaleState):
        people.disable_user(user=cast.member, by=SETUP)
    with pytest.raises(NotFound):
        people.disable_user(user=make_person("nowhere"), by=cast.owner)
