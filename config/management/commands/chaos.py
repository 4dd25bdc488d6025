"""``manage.py chaos --runs N --seed S``: the crash test, in a folder, a database and a broker of its own."""

import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from config.chaos.options import Options, add_options
from config.services.places import CHECKOUT


class Command(BaseCommand):
    help = "Kills, freezes and empties everything while runs go on; the last line is JSON. Needs no other service."
    requires_system_checks = []  # the configured database is none of its business

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *_: Any, **given: Any) -> None:
        options = Options.of(given)
        status = subprocess.call([sys.executable, "-m", "config.chaos", *options.arguments()], cwd=CHECKOUT)
        if status:
            sys.exit(status)
