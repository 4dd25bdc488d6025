"""Invariant 1, read from the source: only the two doors reach what a connector can do."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FLOORS = ("config", "agents", "approvals", "memory", "tools", "audit", "workspaces")
COMPANIONS = {"execute", "before", "verify", "probe"}
PURE = {"schema", "undo", "predict"}
DOORS = {"tools/operations/executing.py": {"execute"}, "tools/operations/observing.py": {"before", "verify", "probe"}}
GETTERS = {"tools/operations/targets.py", "tools/operations/configuring.py", "tools/connectors/registry.py"}
SOURCES = [
    path
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
    if "migrations" not in path.parts and "connectors" not in path.parts
]


def name(path):
    return path.relative_to(ROOT).as_posix()


def calls_on_operations(tree):
    """Return the methods called on something that is named operation or is the answer of ``operation_of``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            holder = ast.unparse(node.func.value)
            if holder.endswith("operation") or "operation_of(" in holder:
                yield node.func.attr


def test_invariant_01_the_doors_themselves_are_where_this_test_looks():
    for door, methods in DOORS.items():
        assert methods == COMPANIONS & set(calls_on_operations(ast.parse((ROOT / door).read_text())))


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path) not in DOORS], ids=name)
def test_invariant_01_no_other_module_calls_an_operation(path):
    assert set(calls_on_operations(ast.parse(path.read_text()))) <= PURE


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_invariant_01_connectors_are_looked_up_in_few_places_and_opened_in_one():
    for path in SOURCES:
        found = set(imported(ast.parse(path.read_text())))
        code = {
            one for one in found if one.startswith("tools.connectors") and not one.startswith("tools.connectors.base")
        }
        openers = {f"tools.operations.targets.{one}" for one in ("call_for", "pinned")}
        calls = found & openers
        allowed = {f"tools.connectors.registry.{one}" for one in ("CONNECTORS", "connector", "is_builtin", "register")}
        assert name(path) in GETTERS or code <= allowed, name(path)
        assert name(path) in DOORS or calls <= {"tools.operations.targets.call_for"}, name(path)
