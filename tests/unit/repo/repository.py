"""What is in the repository, for the tests that read all of it."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[3]
FLOORS = [["config"], ["agents"], ["approvals", "memory"], ["tools"], ["audit"], ["workspaces"], ["ledger"]]
"""App labels from top to bottom; ``ledger`` is ``audit.ledger``."""
OURS = [label for floor in FLOORS for label in floor]


def tracked(*suffixes: str) -> list[Path]:
    """Return the files that the repository holds, of these suffixes where any are given."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    found = (ROOT / name for name in listed)
    return sorted({path for path in found if path.is_file() and (not suffixes or path.suffix in suffixes)})


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def written_by_people() -> list[Path]:
    """Return the Python files that nobody generates."""
    return [path for path in tracked(".py") if "migrations" not in path.parts]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in OURS]


def foreign_keys(model: type[models.Model]) -> list[models.Field]:
    """Return the model's own references to rows of ours, one-to-one and many-to-many ones among them."""
    fields = [*model._meta.fields, *model._meta.many_to_many]
    return [field for field in fields if field.is_relation and field.related_model._meta.app_label in OURS]
