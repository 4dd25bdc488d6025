"""``manage.py issue_key``: let a program in from the command line, and print its key this once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from agents.models import Agent
from agents.operations import admit_program
from workspaces.actors import System
from workspaces.errors import DomainError
from workspaces.models import KeyScope, User, Workspace

OPERATOR = System("manage.py")


class Command(BaseCommand):
    help = (
        "Make a service account where there is none of this name, let it work with the agents named (give tasks, "
        "watch, pause, cancel, roll back), and print a new API key. The key is shown this once."
    )

    requires_system_checks = []  # advice about the installation is none about the key

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the service account: letters, digits, dots, hyphens, underscores")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the person who answers for the program")
        parser.add_argument("--agent", action="append", default=[], metavar="NAME", help="repeat for several agents")
        parser.add_argument("--workspace", metavar="SLUG", help="needed where there is more than one")
        parser.add_argument("--days", type=int, help="how long the key lives; without it, API_KEY_DAYS")
        parser.add_argument(
            "--scope",
            action="append",
            metavar="SCOPE",
            help=f"what the key is for; repeat for several; without it, everything: {', '.join(KeyScope.values)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = _workspace(options["workspace"])
        days = options["days"]
        if days is not None and not 0 < days < 36_500:
            raise CommandError("A key lives 1 day or more: correct --days.")
        try:
            issued = admit_program(
                workspace=workspace,
                name=options["name"],
                owner=_person(options["owner"]),
                agents=[_agent(workspace, name) for name in options["agent"]],
                scopes=options["scope"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                by=OPERATOR,
            )
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        self.stdout.write(issued.text)


def _workspace(slug: str | None) -> Workspace:
    known = list(Workspace.objects.order_by("slug"))
    found = [one for one in known if slug in {None, one.slug}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.slug for one in known[:20]) or "none yet"
    raise CommandError(f"Name one workspace by --workspace. There are: {names}.")


def _person(email: str) -> User:
    found = User.objects.filter(email=email.lower(), is_service=False).first()
    if found is None:
        raise CommandError(f"Nobody has an account with the address {email}: correct --owner.")
    return found


def _agent(workspace: Workspace, name: str) -> Agent:
    found = Agent.objects.filter(workspace=workspace, name=name).first()
    if found is None:
        known = ", ".join(Agent.objects.filter(workspace=workspace).values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"{workspace.name} has no agent {name}. There are: {known}.")
    return found
