"""``manage.py begin``: the lightweight profile, in one command (docs/begin.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email, validate_slug

from agents.operations.beginning import GOAL, Begun, Mailing, Thinking, begin_with_drafts
from agents.providers.base import Provider
from workspaces.actors import System
from workspaces.errors import DomainError, InvalidInput

OPERATOR = System("manage.py")
SECURITY = ("starttls", "tls", "none")


class Command(BaseCommand):
    help = (
        "Set up a workspace, two people, and one agent that only drafts: whatever it would change or send waits until "
        "a person has read and approved it. Passwords of accounts that are made are printed this once."
    )

    requires_system_checks = []  # advice about the installation is none about the beginning

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="its name, such as “Acme support”")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="who gives tasks and configures")
        parser.add_argument("--reviewer", required=True, metavar="EMAIL", help="who reads the drafts; somebody else")
        parser.add_argument("--agent", default="drafts", metavar="NAME", help="what the agent is called")
        parser.add_argument("--goal", default=GOAL, help="what the agent is told that it is for")
        parser.add_argument("--provider", default=Provider.DEMO, choices=Provider.values, help="who answers")
        parser.add_argument("--model", default="", help="the model's name; the demo planner needs none")
        parser.add_argument("--base-url", default="", metavar="URL", help="of an OpenAI-compatible server of your own")
        parser.add_argument("--key-file", default="", metavar="PATH", help="a file that holds the provider's key")
        parser.add_argument("--mail", default="", metavar="HOST:PORT", help="lets approved drafts be sent as e-mail")
        parser.add_argument("--mail-security", default="starttls", choices=SECURITY)
        parser.add_argument("--mail-user", default="", metavar="NAME")
        parser.add_argument("--mail-password-file", default="", metavar="PATH")
        parser.add_argument("--sender", default="", metavar="EMAIL", help="the address that e-mail is from")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("owner", "reviewer", *(["sender"] if options["mail"] else [])):
            _check(validate_email, options[name], f"--{name} is an e-mail address.")
        _check(validate_slug, options["agent"], "--agent has letters, digits, hyphens and underscores.")
        try:
            begun = begin_with_drafts(
                name=options["workspace"],
                owner=options["owner"],
                reviewer=options["reviewer"],
                agent_name=options["agent"],
                goal=options["goal"],
                thinking=_thinking(options),
                mailing=_mailing(options),
                by=OPERATOR,
            )
        except DomainError as error:
            said = error.fields if isinstance(error, InvalidInput) else {}
            fields = [sentence for sentences in said.values() for sentence in sentences]
            raise CommandError(" ".join([error.message, error.hint, *fields]).strip()) from error
        self._tell(begun)

    def _tell(self, begun: Begun) -> None:
        self.stdout.write(f"{begun.workspace} has the agent {begun.agent.name}, which only drafts.")
        for address, password in begun.passwords.items():
            self.stdout.write(f"{address} signs in with the password {password} (shown this once)")
        self.stdout.write("Start a web and a worker process, and give it a task: docs/begin.md.")


def _check(validator: Any, value: str, sentence: str) -> None:
    try:
        validator(value)
    except ValidationError as error:
        raise CommandError(f"{sentence} It is {value!r}.") from error


def _thinking(options: dict[str, Any]) -> Thinking:
    if options["provider"] == Provider.DEMO:
        return Thinking()
    if not options["model"]:
        raise CommandError("Name the model that answers by --model.")
    return Thinking(
        provider=options["provider"],
        model=options["model"],
        base_url=options["base_url"],
        api_key=_read(options["key_file"], "--key-file"),
    )


def _mailing(options: dict[str, Any]) -> Mailing | None:
    host, _, port = options["mail"].rpartition(":")
    if not options["mail"]:
        return None
    if not host or not port.isdigit():
        raise CommandError(f"--mail is HOST:PORT, such as mail.example.com:587. It is {options['mail']!r}.")
    return Mailing(
        host=host,
        port=int(port),
        sender=options["sender"],
        security=options["mail_security"],
        username=options["mail_user"],
        password=_read(options["mail_password_file"], "--mail-password-file"),
    )


def _read(path: str, option: str) -> str:
    """Return the secret that a file holds: one on the command line would stand in the list of processes."""
    try:
        return Path(path).read_text().strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{option}: {path} cannot be read ({type(error).__name__}).") from error
