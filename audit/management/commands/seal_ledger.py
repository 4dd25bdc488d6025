"""Seals what is final, and looks after keys and epochs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.ledger import signing
from audit.ledger.errors import LedgerError
from audit.ledger.horizon import begin_epoch
from audit.ledger.sealing import lag, seal_all


class Command(BaseCommand):
    help = "Seal every workspace's final events and offer the seals to the witness."
    requires_system_checks = []  # a missing key must not keep --new-key from making one

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--new-key", action="store_true", help="print a fresh LEDGER_SIGNING_KEY and stop")
        what.add_argument("--public-key", action="store_true", help="print the public key that verifiers need and stop")
        what.add_argument("--begin-epoch", action="store_true", help="once, after a restore into another cluster")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(self._done(options))
        except LedgerError as error:
            raise CommandError(str(error)) from error

    def _done(self, options: dict[str, Any]) -> str:
        if options["new_key"]:
            return signing.new_seed()
        if options["public_key"]:
            return signing.signer().public_key
        if options["begin_epoch"]:
            return f"Epoch {begin_epoch().number} has begun. Earlier events stay verifiable as they are."
        seals = seal_all()
        behind = lag()
        return (
            f"{seals} seals made, {behind.events} events not yet sealed, {behind.unwitnessed} seals not yet witnessed."
        )
