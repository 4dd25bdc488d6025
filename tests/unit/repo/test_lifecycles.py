"""The tables of transitions: complete, drawn in the documentation, and the only way that a status moves."""

import re
import runpy

import pytest

from tests.unit.repo.repository import ROOT, our_models, written_by_people

GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate_lifecycles.py"))
LIFECYCLES = GENERATOR["LIFECYCLES"]


def test_page_equals_the_tables():
    page = (ROOT / "docs" / "lifecycles.md").read_text()
    assert page == GENERATOR["page"](), "Run: python docs/generate_lifecycles.py"


def test_every_table_is_drawn():
    moved = {model.__name__ for model in our_models() if hasattr(model, "TRANSITIONS")}
    assert moved == {title for title, *_ in LIFECYCLES}


@pytest.mark.parametrize(("title", "remark", "states", "moves"), LIFECYCLES, ids=lambda value: str(value)[:12])
def test_every_state_is_reached_and_an_end_is_reached_from_each(title, remark, states, moves):
    known = set(states.values)
    assert moves.keys() <= known
    assert set().union(*moves.values()) <= known
    assert reached(moves, states.values[0]) == known
    ends = known - moves.keys()
    assert [state for state in known if not reached(moves, state) & ends] == []


def reached(moves, start):
    found, ahead = set(), [start]
    while ahead:
        state = ahead.pop()
        if state not in found:
            found.add(state)
            ahead += moves.get(state, ())
    return found


def test_a_status_moves_through_the_one_mutator():
    allowed = {
        "workspaces/transitions.py",
        "approvals/operations/configuring.py",  # a policy version has no lifecycle
        "agents/engine/lane/statements.py",  # many rows at once; tests/integration/flow/test_lane.py compares its moves
    }
    for path in written_by_people():
        name = str(path.relative_to(ROOT))
        if "tests" in path.parts or name in allowed or name.startswith(("docs/", "bench/")):
            continue
        assert not re.search(r"\.update\([^)]*\bstatus=|\.status = ", path.read_text()), name
