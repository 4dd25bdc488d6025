"""Verifies the ledger, and exports it for someone who verifies it elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from audit.ledger import exporting
from audit.ledger.errors import LedgerError
from audit.ledger.verification import verify, workspaces


class Command(BaseCommand):
    help = "Verify events and seals of every workspace; exit with 1 where anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", type=UUID, help="only this workspace")
        parser.add_argument("--export", type=Path, help="also write events and seals to this file, as JSON lines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ids = [options["workspace"]] if options["workspace"] else workspaces()
            problems = sum(self._verified(workspace_id) for workspace_id in ids)
            if options["export"]:
                self._export(options["export"], ids)
        except (LedgerError, OSError) as error:
            raise CommandError(str(error)) from error
        if not ids:
            self.stdout.write("The ledger is empty: 0 events not yet sealed.")
        if problems:
            raise CommandError(
                f"The ledger is not sound: {problems} problems. Keep this database as it is, as evidence."
            )

    def _verified(self, workspace_id: UUID) -> int:
        report = verify(workspace_id)
        self.stdout.write(f"Workspace {report.workspace_id}")
        for sentence in report.sentences:
            self.stdout.write(f"  {sentence}")
        for problem in report.problems:
            self.stdout.write(self.style.ERROR(f"  PROBLEM: {problem}"))
        return len(report.problems)

    def _export(self, path: Path, ids: list[UUID]) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(exporting.lines(ids))
        self.stdout.write(f"Exported to {path}. Verify it with: python docs/verify_ledger.py {path} --public-key KEY")
