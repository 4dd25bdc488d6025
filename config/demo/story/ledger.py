"""Chapter: the ledger keeps what was written, and anybody can verify it."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, connection, transaction

from audit.ledger.models import Event
from config.demo.story.report import NotSeen
from config.demo.story.scene import Scene
from config.services.places import CHECKOUT

TAMPERING = {
    "UPDATE": "UPDATE {} SET verb = 'nothing'",
    "DELETE": "DELETE FROM {}",
    "TRUNCATE": "TRUNCATE {} CASCADE",
}


def ledger(scene: Scene) -> None:
    """Verify the seals, refuse tampering, export, and verify the export with one small script."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "ledger.jsonl"
        sealed = _python("manage.py", "seal_ledger")
        scene.report.check("The ledger is sealed", sealed.returncode, 0)
        verified = _python("manage.py", "verify_ledger", "--export", str(export))
        scene.report.check(
            "manage.py verify_ledger finds nothing wrong",
            (verified.returncode, "PROBLEM" in verified.stdout),
            (0, False),
        )
        for verb, statement in TAMPERING.items():
            scene.report.check(f"The database refuses the application's {verb}", _refused(statement))
        offline = _offline(export)
        scene.report.check(
            "docs/verify_ledger.py verifies the export with the public key alone", _last(offline), "Nothing is wrong."
        )
        _tamper(export)
        found = _offline(export)
        scene.report.check(
            "... and finds one changed word in a copy",
            (found.returncode != 0, "was edited" in found.stdout),
            (True, True),
        )


def _refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(connection.ops.quote_name(Event._meta.db_table)))
    except DatabaseError:
        return True
    return False


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)


def _offline(export: Path) -> subprocess.CompletedProcess[str]:
    """Verify the export in a process that knows nothing of Countersign."""
    command = [
        sys.executable,
        "-I",
        "-S",
        str(CHECKOUT / "docs" / "verify_ledger.py"),
        str(export),
        "--public-key",
        _public_key(),
    ]
    return subprocess.run(command, cwd=export.parent, env={}, capture_output=True, text=True, check=False)


def _public_key() -> str:
    seed = base64.b64decode(os.environ["LEDGER_SIGNING_KEY"])
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()


def _last(process: subprocess.CompletedProcess[str]) -> str:
    return (process.stdout + process.stderr).strip().rsplit("\n", 1)[-1]


def _tamper(export: Path) -> None:
    """Change one word of one sealed event."""
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    event = next((row for row in rows if row["kind"] == "event" and row["verb"] == "request.decided"), None)
    if event is None:
        raise NotSeen("The export has no decision.")
    event["verb"] = "request.forgotten"
    export.write_text("".join(json.dumps(row) + "\n" for row in rows))
