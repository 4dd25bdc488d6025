"""The walk through ``docs/api.md`` does what it says, as bash and curl do it against the real server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from agents.models import Run
from agents.states import RUN_TERMINAL
from tests.serving import serve

__all__ = ["serve"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not (shutil.which("bash") and shutil.which("curl")), reason="Needs bash and curl: install them."
    ),
]
SECONDS = 120


def blocks():
    page = (Path(django_settings.BASE_DIR) / "docs" / "api.md").read_text()
    return re.findall(r"```sh\n(.*?)```", page, re.S)


def test_the_documented_walk_starts_watches_decides_and_rolls_back(desk, cast, serve, tmp_path):
    _, base = serve(PYTEST_VERSION="the passwords of the tests")
    given, *walk = blocks()
    names = set(re.findall(r"\b([A-Z]+)=", given))
    assert names == {"HOST", "KEY", "TICKET", "PERSON", "PASSWORD"}
    cast.reviewer.set_password("a walk")
    cast.reviewer.save()
    customer = desk.crm.anybody("standard")
    ticket = f'{{"agent": "support-desk", "text": "Please upgrade {customer["email"]} to tier gold."}}'
    told = {"HOST": base, "KEY": cast.service_key, "TICKET": ticket}
    told |= {"PERSON": cast.reviewer.email, "PASSWORD": "a walk"}
    log = tmp_path / "walk.log"
    with log.open("w") as out:
        script = "set -e\n" + "\n".join(walk)
        process = subprocess.Popen(
            ["timeout", str(SECONDS), "bash", "-c", script], env={**os.environ, **told}, stdout=out, stderr=out
        )
        tiers = set()
        while process.poll() is None:
            for run in Run.objects.exclude(status__in=RUN_TERMINAL):
                desk.rest(run)
            tiers.add(desk.crm.customer(customer["id"])["tier"])
    said = log.read_text()
    assert process.returncode == 0, said
    assert "People must decide, in a queue that you cannot see." in said
    assert said.rstrip().endswith("1 of 2 effects was restored.")
    assert tiers == {"standard", "gold"}
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    assert [message["To"] for message in desk.mailbox.messages] == [customer["email"]]
