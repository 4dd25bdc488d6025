"""Wraps every stored secret by the newest key of ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces.actors import System
from workspaces.crypto import Unreadable, newest_key
from workspaces.operations.rotating import rotate_secrets


class Command(BaseCommand):
    help = "Wrap every stored secret by the first key of ENCRYPTION_KEYS; then earlier keys can be taken out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say which keys are in use")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = rotate_secrets(by=System("operator"), only_look=options["check"])
            newest = newest_key()
        except Unreadable as error:
            raise CommandError(str(error)) from error
        for key, count in sorted(done.keys.items()):
            self.stdout.write(f"{count} secrets were wrapped by {key or 'something else'}.")
        for sentence in done.unreadable:
            self.stderr.write(sentence)
        if done.unreadable:
            raise CommandError(
                f"{len(done.unreadable)} rows could not be opened and are as they were: keep their keys."
            )
        if options["check"]:
            if done.keys.keys() - {newest}:
                raise CommandError(f"Earlier keys are in use: run rotate_keys to wrap everything by {newest}.")
            self.stdout.write(f"Only {newest} is in use: earlier keys can be taken out.")
        else:
            self.stdout.write(f"{done.renewed} secrets are wrapped anew by {newest}.")
