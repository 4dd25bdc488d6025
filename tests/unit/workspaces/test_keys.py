"""API keys: shown once, stored hashed, and dead as soon as anybody behind them is."""

from datetime import UTC, datetime

import pytest

from audit.ledger.models import Event
from tests.factories import SETUP
from workspaces.errors import Forbidden, InvalidInput, InvalidKey, NotFound, StaleState
from workspaces.models import ApiKey, Role, User
from workspaces.operations import keys, people

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def test_issued_key_opens_its_workspace_and_is_not_stored(cast):
    key = keys.authenticate(cast.service_key)
    assert (key.user, key.workspace) == (cast.service, cast.workspace)
    assert cast.service_key not in str(ApiKey.objects.values().get())
    assert cast.service_key.split("_")[2] not in str(list(Event.objects.values()))
    key.refresh_from_db()
    assert key.last_used_at is not None


@pytest.mark.parametrize("text", ["", "cs_", "x" * 400, "cs_0123456789ab_" + "a" * 43, "cs_\x00", "cs_" + "é" * 56])
def test_wrong_key_is_refused(cast, text):
    with pytest.raises(InvalidKey, match=r"no API key|is wrong"):
        keys.authenticate(text)


def test_wrong_secret_is_answered_like_a_wrong_prefix(cast):
    altered = cast.service_key[:-1] + ("A" if cast.service_key[-1] != "A" else "B")
    with pytest.raises(InvalidKey) as secret:
        keys.authenticate(altered)
    with pytest.raises(InvalidKey) as prefix:
        keys.authenticate("cs_" + "0" * 12 + "_" + "a" * 43)
    assert secret.value.message == prefix.value.message


def test_expired_and_revoked_keys_say_so(cast):
    late = keys.issue_key(workspace=cast.workspace, account=cast.service, name="late", by=cast.owner)
    ApiKey.objects.filter(pk=late.key.pk).update(expires_at=PAST)
    with pytest.raises(InvalidKey, match="has expired"):
        keys.authenticate(late.text)
    key = keys.authenticate(cast.service_key)
    keys.revoke_key(key=key, by=cast.owner)
    with pytest.raises(InvalidKey, match="was revoked"):
        keys.authenticate(cast.service_key)
    with pytest.raises(StaleState):
        keys.revoke_key(key=key, by=cast.owner)
    assert Event.objects.filter(verb="api_key.revoked", subject_id=str(key.id)).count() == 1


def test_key_dies_with_its_account(cast):
    people.disable_user(user=cast.service, by=cast.owner)
    with pytest.raises(InvalidKey, match="service account of this API key is disabled"):
        keys.authenticate(cast.service_key)


@pytest.mark.parametrize("end", ["disabled", "left"])
def test_key_dies_with_its_owner(cast, end):
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=SETUP)
    if end == "disabled":
        people.disable_user(user=cast.owner, by=cast.finance)
    else:
        people.remove_member(workspace=cast.workspace, user=cast.owner, by=cast.finance)
    with pytest.raises(InvalidKey, match="Nobody answers"):
        keys.authenticate(cast.service_key)


def test_service_account_needs_a_person_of_the_workspace(cast):
    for nobody in (cast.stranger, cast.service, cast.disabled):
        with pytest.raises(InvalidInput):
            keys.create_service_account(workspace=cast.workspace, name="x", owner=nobody, by=cast.owner)
    with pytest.raises(InvalidInput):
        keys.create_service_account(workspace=cast.workspace, name="two words", owner=cast.owner, by=cast.owner)
    with pytest.raises(Forbidden):
        keys.create_service_account(workspace=cast.workspace, name="x", owner=cast.member, by=cast.member)


def test_keys_are_managed_by_the_accounts_owner_or_the_workspaces(cast):
    account = keys.create_service_account(workspace=cast.workspace, name="x", owner=cast.member, by=cast.owner)
    issued = keys.issue_key(workspace=cast.workspace, account=account, name="mine", by=cast.member)
    with pytest.raises(Forbidden):
        keys.revoke_key(key=issued.key, by=cast.reviewer)
    with pytest.raises(NotFound):
        keys.revoke_key(key=issued.key, by=cast.stranger)
    keys.revoke_key(key=issued.key, by=cast.owner)


def test_people_have_no_keys_and_foreign_accounts_do_not_exist(cast):
    with pytest.raises(NotFound):
        keys.issue_key(workspace=cast.workspace, account=cast.member, name="x", by=cast.owner)
    with pytest.raises(NotFound):
        keys.issue_key(workspace=cast.elsewhere, account=cast.service, name="x", by=cast.stranger)


def test_invariant_12_makers_of_keys_answer_for_what_the_account_does(cast):
    people.change_role(workspace=cast.workspace, user=cast.finance, role=Role.OWNER, by=SETUP)
    keys.issue_key(workspace=cast.workspace, account=cast.service, name="second", by=cast.finance)
    account = User.objects.get(pk=cast.service.pk)
    assert account.cause_ids() == sorted(str(person.id) for person in (cast.service, cast.owner, cast.finance))
