"""``manage.py reset_second_factor EMAIL``: for the owner who lost their device and is the only one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workspaces.actors import System
from workspaces.errors import DomainError
from workspaces.models import User
from workspaces.resetting import reset


class Command(BaseCommand):
    """Takes a person's second factor away, tells them, and lets them in again."""

    help = "Take the second factor from somebody who lost it; they sign in by password until they set up another one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the person's address")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower(), is_service=False).first()
        if user is None:
            raise CommandError("There is no person with this address.")
        try:
            told = reset(user=user, by=System("reset_second_factor"))
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        self.stdout.write(f"{user}: the second factor is reset{', and they were told' if told else ''}.")
