"""``manage.py stuck_runs``: the liveness check, for a person or a timer; ends with 1 where a run is stuck."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from agents.liveness import stuck_runs


class Command(BaseCommand):
    help = "Name every run that neither moves nor waits for something that has a name. There should be none."

    requires_system_checks = []  # it only reads

    def handle(self, **options: Any) -> None:
        found = stuck_runs()
        for one in found:
            said = " ".join(reason.sentence for reason in one.reasons) or "Nothing says what it waits for."
            self.stdout.write(f"{one.run.id} {one.run.status} since {one.run.created_at:%Y-%m-%d %H:%M}: {said}")
        self.stdout.write(f"{len(found)} runs are stuck." if len(found) != 1 else "1 run is stuck.")
        if found:
            sys.exit(1)
