"""Nothing in the ledger can be guessed back into what somebody said, and what it is about can be erased (DESIGN 3)."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from agents.operations.runs import start_run
from audit.ledger.models import Event
from audit.ledger.sealing import seal
from audit.ledger.signing import new_seed
from audit.ledger.verification import verify
from memory.models import MessageRole, Trust
from memory.operations import append_message, session_for
from tests.factories import SETUP
from tests.house import at_once
from tools.models import Action
from workspaces import salts
from workspaces.canonical import digest
from workspaces.errors import Forbidden, NotFound
from workspaces.ids import uuid7
from workspaces.models import Salt
from workspaces.operations.erasing import erase_salt
from workspaces.salts import salt_of, salted

pytestmark = pytest.mark.django_db
REASON, TEXT = "Mary asked for it.", "Mary lives in Lindenweg 4."


def bodies():
    return json.dumps(list(Event.objects.values_list("body", flat=True)))


def test_invariant_19_no_digest_in_the_ledger_can_be_guessed_back(house):
    request = house.asked("change")
    house.answer(request, reason=REASON)
    action = house.execute(Action.objects.get(requests=request))
    session = session_for(
        workspace_id=action.workspace_id, agent_id=action.agent_id, subject_kind="c", subject_ref="1", by=SETUP
    )
    say = {"session": session, "run_id": action.run_id, "role": MessageRole.AGENT, "source": "s"}
    append_message(**say, trust=Trust.UNTRUSTED, text=TEXT, by=SETUP)
    plain = [
        *(action.arguments_digest, action.before_digest, action.cleared_binding, request.evidence_digest),
        *(digest(REASON), digest(TEXT), digest(house.run.input)),
    ]
    written = bodies()
    assert [value for value in plain if value in written] == []
    told = [*plain[:4], REASON, TEXT, house.run.input]
    assert [value for value in told if salted(action.workspace_id, action.run_id, value) not in written] == []


def test_a_salt_belongs_to_one_run_of_one_workspace(house):
    here, elsewhere = house.cast.workspace.id, house.cast.elsewhere.id
    other = start_run(agent_id=house.agent.id, text="Please do it.", by=house.cast.owner)
    scopes = [(here, house.run.id), (here, other.id), (elsewhere, house.run.id)]
    assert len({salted(*scope, "the same") for scope in scopes}) == 3
    assert Salt.objects.count() == 3


def test_invariant_19_erasing_a_salt_breaks_no_seal_and_ends_what_the_digests_said(house, settings):
    cast, settings.LEDGER_SIGNING_KEY = house.cast, new_seed()
    before = salted(cast.workspace.id, house.run.id, house.run.input)
    assert before in bodies()
    for who, error in ((cast.member, Forbidden), (cast.stranger, NotFound)):
        with pytest.raises(error):
            erase_salt(workspace=cast.workspace, scope_id=house.run.id, by=who)
    erase_salt(workspace=cast.workspace, scope_id=house.run.id, by=cast.owner)
    assert salted(cast.workspace.id, house.run.id, house.run.input) != before
    assert before in bodies()
    assert verify(cast.workspace.id).problems == []
    assert Event.objects.filter(verb="salt.erased", subject_id=str(house.run.id)).count() == 1


def test_erasing_by_command_says_what_it_does_not_do(house, capsys):
    call_command("erase_salt", house.cast.workspace.slug, str(house.run.id))
    assert "still hold what was said" in capsys.readouterr().out
    for slug, words in ((house.cast.workspace.slug, "no such salt"), ("nowhere", "no workspace")):
        with pytest.raises(CommandError, match=words):
            call_command("erase_salt", slug, str(house.run.id))


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_first_makes_the_salt_and_everybody_has_the_same(house):
    scope = (house.cast.workspace.id, uuid7())
    assert len(set(at_once(*[lambda: salt_of(*scope)] * 4))) == 1
    assert salt_of(*scope) == bytes(Salt.objects.get(scope_id=scope[1]).value)


@pytest.mark.django_db(transaction=True)
def test_a_salt_that_was_rolled_back_is_not_remembered(house):
    scope = (house.cast.workspace.id, uuid7())
    with transaction.atomic():
        lost = [salt_of(*scope), salt_of(*scope)]
        transaction.set_rollback(True)
    assert lost[0] == lost[1] != salt_of(*scope)


@pytest.mark.django_db(transaction=True)
def test_salt_that_another_process_erased_is_forgotten_within_half_a_minute(house, monkeypatch):
    scope, clock = (house.cast.workspace.id, uuid7()), [0.0]
    monkeypatch.setattr(salts, "monotonic", lambda: clock[0])
    remembered = salt_of(*scope)
    Salt.objects.filter(scope_id=scope[1]).delete()  # what a command elsewhere does
    assert salt_of(*scope) == remembered
    clock[0] += salts.REMEMBERED_SECONDS
    assert salt_of(*scope) != remembered


@pytest.mark.django_db(transaction=True)
def test_sealed_events_verify_after_the_salt_is_gone(house, settings):
    settings.LEDGER_SIGNING_KEY = new_seed()
    sealed = seal(house.cast.workspace.id)
    assert sealed is not None
    assert sealed.event_count > 0
    erase_salt(workspace=house.cast.workspace, scope_id=house.run.id, by=SETUP)
    assert verify(house.cast.workspace.id).problems == []
