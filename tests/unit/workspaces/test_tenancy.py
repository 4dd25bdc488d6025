"""Which workspace a request is about."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from workspaces.errors import Forbidden, NotFound
from workspaces.operations import people
from workspaces.tenancy import choose_workspace, chosen_workspace, workspace_of


@pytest.fixture
def request_of(db):
    def make(user):
        request = RequestFactory().get("/")
        request.session, request.user = SessionStore(), user
        return request

    return make


def test_first_workspace_serves_until_another_is_chosen(cast, request_of):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    request = request_of(cast.member)
    assert chosen_workspace(request) == cast.workspace
    choose_workspace(request, str(cast.elsewhere.id))
    assert chosen_workspace(request) == cast.elsewhere


@pytest.mark.parametrize("wanted", ["elsewhere", "", "nonsense"])
def test_invariant_14_foreign_workspace_cannot_be_chosen(cast, request_of, wanted):
    request = request_of(cast.member)
    with pytest.raises(NotFound):
        choose_workspace(request, str(cast.elsewhere.id) if wanted == "elsewhere" else wanted)
    assert chosen_workspace(request) == cast.workspace


def test_choice_ends_with_the_membership(cast, request_of):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    request = request_of(cast.member)
    choose_workspace(request, str(cast.elsewhere.id))
    people.remove_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    assert chosen_workspace(request) == cast.workspace


def test_nobody_and_members_of_nothing_have_none(cast, request_of):
    people.remove_member(workspace=cast.workspace, user=cast.member, by=cast.member)
    for nobody in (AnonymousUser(), cast.member):
        request = request_of(nobody)
        request.workspace = chosen_workspace(request)
        with pytest.raises(Forbidden, match="do not belong"):
            workspace_of(request)
