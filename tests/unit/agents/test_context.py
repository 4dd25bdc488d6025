"""What reviewers see of what an agent read."""

import json

from agents.context import MAX_READ, _read
from agents.models import Step
from tools.models import Action, Tool


def read(result):
    """Return the evidence of a step that read ``result``; nothing is stored."""
    action = Action(tool=Tool(name="crm.find", title="Find a customer"), arguments={"id": "C-1"}, result=result)
    return _read(Step(action=action, number=1))["result"]


def test_what_was_read_is_shown_as_it_came():
    result = {"name": "Zoë", "vip": True, "since": None, "orders": [1, 2.5]}
    assert read(result) == result


def test_what_is_too_large_is_shown_as_the_beginning_of_its_json():
    result = {"name": "Zoë “the best”", "vip": True, "since": None, "orders": ["x" * 100] * 300}
    shown = read(result)["too_large_to_show"]
    assert len(shown) == MAX_READ
    assert json.dumps(result, ensure_ascii=False).startswith(shown)
    assert '"name": "Zoë “the best”", "vip": true, "since": null' in shown
    assert "'" not in shown


def test_a_result_at_the_limit_is_whole():
    fits = {"a": "x" * (MAX_READ - len('{"a": ""}'))}
    assert read(fits) == fits
    assert "too_large_to_show" in read({"a": fits["a"] + "x"})
