"""Removes what old runs said, by the age in the settings or another one."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from agents.operations.emptying import empty_old_runs, old_runs


class Command(BaseCommand):
    help = "Remove what runs said that ended longer ago than RETENTION_DAYS; what happened stays. It cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=settings.RETENTION_DAYS, help="another age, 1 or more")
        parser.add_argument("--check", action="store_true", help="only say how many runs that would be")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days < 1:
            raise CommandError("Set RETENTION_DAYS, or give --days, to 1 or more: nothing is removed without an age.")
        if options["check"]:
            self.stdout.write(f"{len(old_runs(days))} runs ended more than {days} days ago and would be emptied.")
            return
        done = 0
        while more := empty_old_runs(days=days):
            done += more
        self.stdout.write(f"{done} runs that ended more than {days} days ago hold nothing any more of what was said.")
