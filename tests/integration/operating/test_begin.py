"""The lightweight profile as docs/begin.md sets it up: its commands make an agent that does nothing by itself."""

import io
import re
import shlex

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given

from agents.engine.drive import drive
from agents.models import Agent, Run
from agents.operations import start_run
from approvals.gate import narrowed
from approvals.models import Request
from approvals.operations import Answer, decide
from approvals.policies.context import GateContext
from approvals.policies.drafts import DRAFT_RULES
from approvals.policies.rules import parse_rules
from approvals.states import DecisionKind, Outcome
from tests.mailbox import MailServer
from tests.serving import ROOT
from tests.unit.approvals.policies.contexts import contexts
from tools.models import Connection, Tool
from tools.operations import execute, propose
from tools.ports import gate
from workspaces.errors import Forbidden
from workspaces.ids import uuid7
from workspaces.models import User, Workspace

PAGE = (ROOT / "docs/begin.md").read_text()
COMMANDS = [
    shlex.split(line)[2:]
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("python manage.py begin ")
]


def begin(command, **instead):
    """Carry out a command of the page, with some of its values replaced; return what it prints."""
    words = list(command)
    for option, value in instead.items():
        words[words.index(f"--{option.replace('_', '-')}") + 1] = str(value)
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_text("hush-hush\n")
    return file


def rest(run):
    while drive(run.id):
        pass
    run.refresh_from_db()
    return run


def test_the_page_has_the_three_commands_and_the_two_processes_of_the_procfile():
    assert [bool(option in command) for command in COMMANDS for option in ("--provider", "--mail")] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
    pair = [line for line in (ROOT / "docs/Procfile").read_text().splitlines() if not line.startswith("scheduler")]
    assert "\n".join(pair) in PAGE


@pytest.mark.django_db
def test_the_first_command_makes_an_agent_whose_draft_is_all_that_comes_of_a_task():
    printed = begin(COMMANDS[0])
    passwords = dict(re.findall(r"^(\S+@\S+) signs in with the password (\S+)", printed, re.MULTILINE))
    assert passwords.keys() == {"ada@acme.example", "bo@acme.example"}
    for address, password in passwords.items():
        assert User.objects.get(email=address).check_password(password)
    agent, ada = Agent.objects.get(), User.objects.get(email="ada@acme.example")
    assert not agent.current_version.tools.exists()
    run = rest(start_run(agent_id=agent.id, text="Dear Acme, where is my parcel?", by=ada))
    assert run.status == "succeeded"
    assert run.outcome["text"]
    assert not Request.objects.exists()


@pytest.mark.django_db
def test_the_second_command_keeps_the_key_encrypted_and_out_of_what_it_prints(secret):
    assert "hush" not in begin(COMMANDS[1], key_file=secret)
    way = Connection.objects.get(name="model")
    assert way.open_secret() == {"api_key": "hush-hush"}
    endpoint = Agent.objects.get().current_version.route.endpoints[0]
    assert endpoint == {"provider": "anthropic-messages", "model": "claude-sonnet-4-6", "connection": "model"}


@pytest.mark.django_db
def test_with_the_third_command_a_draft_is_sent_by_a_person_and_not_before(secret, settings):
    with MailServer() as server:
        settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{server.port}"]
        begin(COMMANDS[2], mail=f"127.0.0.1:{server.port}", mail_password_file=secret)
        Connection.objects.filter(name="mail").update(
            config={"host": "127.0.0.1", "port": server.port, "security": "none"}, secret=None
        )
        agent, bo = Agent.objects.get(), User.objects.get(email="bo@acme.example")
        ada = User.objects.get(email="ada@acme.example")
        run = start_run(agent_id=agent.id, text="Hello", by=ada)
        action = proposed(run, {"to": "c@customer.example", "subject": "Re: Hello", "body": "Hello back."})
        action = gate().clear(action.id)
        assert (action.status, server.mailbox.messages) == ("in_review", [])
        request = Request.objects.get()
        assert request.reasons == [DRAFT_RULES[-1]["reason"]]
        answer = Answer(kind=DecisionKind.APPROVE, seen=request.evidence_digest)
        with pytest.raises(Forbidden):
            decide(request_id=request.id, answer=answer, by=ada)
        decide(request_id=request.id, answer=answer, by=bo)
        assert execute(action_id=action.id, incarnation=uuid7()).status == "succeeded"
        assert len(server.mailbox.messages) == 1


def proposed(run: Run, arguments):
    return propose(
        tool=Tool.objects.get(name="mail.send"), arguments=arguments, step_id=uuid7(), run_id=run.id,
        agent_id=run.agent_id, agent_version_id=run.version_id, environment=run.environment, causes=run.causes,
        scopes=run.scopes, provenance=[], untrusted_influence=False, planned=True, by=User.objects.first(),
    )  # fmt: skip


@given(contexts())
def test_nothing_that_changes_or_sends_passes_by_itself(context: GateContext):
    said = narrowed(list(parse_rules(DRAFT_RULES)), [], context).outcome
    assert said != Outcome.ALLOW or (context.action.effect == "read" and not context.action.egress)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("instead", "more", "words"),
    [
        ({"reviewer": "ADA@acme.example"}, [], "two people"),
        ({"owner": "ada"}, [], "--owner is an e-mail address"),
        ({}, ["--provider", "openai-chat"], "--model"),
        ({}, ["--provider", "openai-chat", "--model", "m", "--key-file", "/nowhere"], "cannot be read"),
        ({}, ["--mail", "mail.example", "--sender", "a@b.example"], "HOST:PORT"),
        ({}, ["--mail", "mail.example:99999", "--sender", "a@b.example"], "does not fit"),
        ({}, ["--mail", "mail.example:25"], "--sender is an e-mail address"),
        ({}, ["--agent", "no spaces"], "--agent has letters"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(instead, more, words):
    with pytest.raises(CommandError, match=words):
        begin([*COMMANDS[0], *more], **instead)
    assert not Workspace.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db
def test_said_again_it_makes_nothing_and_people_who_are_there_keep_their_passwords():
    begin(COMMANDS[0])
    with pytest.raises(CommandError, match="slug acme-support is taken"):
        begin(COMMANDS[0])
    again = begin([COMMANDS[0][0], "Acme sales", *COMMANDS[0][2:]])
    assert "password" not in again
    assert Workspace.objects.count() == 2
