"""What holds for the whole repository: floors, locks and documented settings."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from config import settings as configured

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-demo.lock", "requirements-test.lock"]
READERS = {"text", "flag", "number", "names"}


def packages():
    return {folder.parent.name for folder in ROOT.glob("*/__init__.py")}


def test_every_package_stands_on_a_floor():
    assert packages() - {"tests", "bench"} == set(PROJECT["tool"]["importlinter"]["root_packages"])


def test_coverage_measures_every_package():
    assert packages() - {"tests", "bench"} == set(PROJECT["tool"]["coverage"]["run"]["source"])


def settings_read():
    for name in sorted(packages() - {"tests"}):
        for path in (ROOT / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="env"), attr=reader), args=[ast.Constant(v), *_]
                    ):
                        if reader in READERS:
                            yield v


def test_every_setting_is_documented():
    documented = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(), re.M))
    assert set(settings_read()) - documented == set()
    assert "DATABASE_URL" in documented


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_by_hash_and_names_no_place(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--index|--find-links|--extra|file:|^/|^-e", text, re.M)
    pinned = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text))
    assert all(re.match(r"[\w.-]+==\S+", entry) and "--hash=sha256:" in entry for entry in pinned)


def name_of(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def locked(lock):
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.M))


def test_locks_hold_what_the_project_asks_for():
    runtime, demo, test = (locked(lock) for lock in LOCKS)
    groups = {
        name: {name_of(item) for item in items if isinstance(item, str)}
        for name, items in PROJECT["dependency-groups"].items()
    }
    assert {name_of(item) for item in PROJECT["project"]["dependencies"]} <= runtime.keys()
    assert groups["demo"] <= demo.keys()
    assert groups["demo"] | groups["test"] <= test.keys()
    assert runtime.items() <= demo.items() <= test.items()


def test_an_application_is_installed_without_what_is_licensed_otherwise():
    assert "localstripe" not in locked("requirements.lock")


def test_every_dependency_says_why():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    end = lines.index("]", start)
    assert [line for line in lines[start + 1 : end] if "#" not in line] == []


def test_tests_are_recognised():
    assert configured.TESTING
