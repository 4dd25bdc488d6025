"""What is done before the demo serves its first page, in order; each stage can be done again and changes nothing then.

``python -m config.demo.stages owner`` does those that need the owner of the tables, ``... application`` those that run
as the application itself. A line that a stage returns is shown at the end, beside the address (logins, for example).
"""

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from config.services.running import say, var_folder, write_record

ANNOUNCED = "announced.txt"


@dataclass(frozen=True)
class Stage:
    """One named step; ``as_owner`` says whose rights it needs."""

    name: str
    carry_out: Callable[[], Iterable[str] | None]
    as_owner: bool = False


def migrate() -> None:
    """Bring the tables up to date."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def collect_static() -> None:
    """Put the files that pages load where the web server takes them from."""
    from django.core.management import call_command

    call_command("collectstatic", verbosity=0, interactive=False)


def prepare_crm() -> None:
    """Make the demo's CRM, a database of its own, and note in ``var/crm.json`` how the agent's role reaches it."""
    from config.demo import crm

    addresses = crm.ensure(os.environ["DATABASE_OWNER_URL"], password=os.environ["DEMO_CRM_PASSWORD"])
    write_record(var_folder() / "crm.json", asdict(addresses))


def seed_company() -> list[str]:
    """Create what is missing of the demo company, and tell who can sign in."""
    from config.demo import seed

    return seed.ensure()


STAGES = (
    Stage("Applying migrations", migrate, as_owner=True),
    Stage("Collecting static files", collect_static, as_owner=True),
    Stage("Preparing the CRM", prepare_crm, as_owner=True),
    Stage("Preparing the demo company", seed_company),
)


def main(whose: str) -> int:
    """Carry out the stages of ``whose`` rights (``owner`` or ``application``); return the exit status."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    lines: list[str] = []
    for stage in STAGES:
        if stage.as_owner == (whose == "owner"):
            began = time.monotonic()
            lines += stage.carry_out() or []
            say(f"{stage.name}: done in {time.monotonic() - began:.1f} s")
    with (var_folder() / ANNOUNCED).open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
