"""Somebody who is disabled is out at once, and comes back by signing in anew; somebody always owns the workspace."""

import pytest
from django.test import Client

from audit.ledger.models import Event
from tests.factories import PASSWORD, SETUP
from tests.house import at_once
from workspaces.errors import DomainError, Forbidden, InvalidKey, NotFound, StaleState
from workspaces.models import Membership, Role, User
from workspaces.operations import keys, people

pytestmark = pytest.mark.django_db


def signed_in(person):
    client = Client()
    client.login(username=person.email, password=PASSWORD)
    assert client.get("/inbox/").status_code == 200
    return client


def test_sessions_are_over_at_once_and_for_good(cast):
    client = signed_in(cast.reviewer)
    people.disable_user(user=cast.reviewer, by=cast.owner)
    assert client.get("/inbox/").status_code == 302
    people.enable_user(user=cast.reviewer, by=cast.owner)
    assert client.get("/inbox/").status_code == 302
    signed_in(cast.reviewer)
    verbs = Event.objects.filter(subject_id=str(cast.reviewer.id)).order_by("sequence").values_list("verb", flat=True)
    assert list(verbs)[-2:] == ["user.disabled", "user.enabled"]


def test_keys_of_their_programs_open_nothing_meanwhile(cast):
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=cast.owner)
    people.disable_user(user=cast.owner, by=cast.finance)
    with pytest.raises(InvalidKey, match="Nobody answers for this API key"):
        keys.authenticate(cast.service_key)
    people.enable_user(user=cast.owner, by=cast.finance)
    assert keys.authenticate(cast.service_key).user == cast.service


def test_enabling_is_for_owners_and_only_what_was_disabled(cast):
    with pytest.raises(Forbidden):
        people.enable_user(user=cast.disabled, by=cast.reviewer)
    with pytest.raises(NotFound):
        people.enable_user(user=cast.disabled, by=cast.stranger)
    with pytest.raises(StaleState, match="is not disabled"):
        people.enable_user(user=cast.reviewer, by=cast.owner)


def test_person_of_two_workspaces_is_disabled_by_nobody_who_owns_one(cast):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    for owner in (cast.owner, cast.stranger):
        with pytest.raises(Forbidden, match="who owns every workspace") as caught:
            people.disable_user(user=cast.member, by=owner)
        assert "Elsewhere" not in caught.value.message + caught.value.hint
    assert User.objects.get(pk=cast.member.pk).is_active


ENDS = {
    "disabled": lambda cast: people.disable_user(user=cast.owner, by=cast.owner),
    "demoted": lambda cast: people.change_role(
        workspace=cast.workspace, user=cast.owner, role=Role.MEMBER, by=cast.owner
    ),
    "removed": lambda cast: people.remove_member(workspace=cast.workspace, user=cast.owner, by=cast.owner),
}


@pytest.mark.parametrize("end", ENDS)
def test_last_owner_stays(cast, end):
    with pytest.raises(Forbidden, match="is the last owner of Here"):
        ENDS[end](cast)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_disable_each_other_at_once_leave_one(cast):
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=SETUP)

    def disabling(user, by):
        def call():
            try:
                people.disable_user(user=user, by=by)
            except DomainError as error:
                return error
            return None

        return call

    at_once(disabling(cast.owner, cast.finance), disabling(cast.finance, cast.owner))
    left = Membership.objects.filter(workspace=cast.workspace, role=Role.OWNER, user__is_active=True)
    assert left.count() == 1
