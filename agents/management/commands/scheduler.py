"""``manage.py scheduler``: the sweep alone, for installations that keep it apart from the workers."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from agents.engine.threads import Companions


class Command(BaseCommand):
    help = "Sweeps until it is told to stop: wakes what is due, takes over from dead workers, seals the ledger."

    def handle(self, *_: Any, **__: Any) -> None:
        companions = Companions(with_heartbeat=False)

        def stop(_number: int, _frame: FrameType | None) -> None:
            companions.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        companions.start()
        self.stdout.write("Sweeping.")
        companions.wait()
