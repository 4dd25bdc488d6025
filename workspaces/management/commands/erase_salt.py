"""Erases the salt of a run, so that the ledger's digests of what was said in it are about nobody any more."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from workspaces.actors import System
from workspaces.errors import DomainError
from workspaces.models import Workspace
from workspaces.operations.erasing import erase_salt


class Command(BaseCommand):
    help = "Erase the salt of a run: its digests in the ledger say nothing then, and every seal still verifies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="the workspace's slug")
        parser.add_argument("run", type=UUID, help="the run's id")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace {options['workspace']}.")
        try:
            erase_salt(workspace=workspace, scope_id=options["run"], by=System("operator"))
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        self.stdout.write("Erased. The run's own rows still hold what was said; backups may hold the salt.")
