"""What the documents say of the code, compared with the code."""

import json
import re

from approvals.policies.cel import VARIABLES
from approvals.policies.default import DEFAULT_RULES
from approvals.policies.rules import parse_rules
from config.demo import seed
from config.demo.customers import CUSTOMERS
from tests.unit.repo.repository import ROOT, named, tracked


def test_policies_are_documented_as_they_are():
    page = (ROOT / "docs" / "policies.md").read_text()
    lines = [f"| `{rule['name']}` | {rule['outcome']} | {rule['reason']} |" for rule in DEFAULT_RULES]
    assert [line for line in lines if line not in page] == []
    parse_rules([json.loads(re.search(r"```json\n(.*?)```", page, re.S)[1])])
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []


def test_logins_and_models_are_documented_as_they_are():
    page = (ROOT / "README.md").read_text()
    for person in seed.PEOPLE:
        assert f"| `{seed.address(person.name)}` | `{seed.PASSWORD}` |" in page
    assert re.search(r"upgrade (\S+) to", page)[1] in {email for _, _, email, *_ in CUSTOMERS}
    assert f"`{seed.OPENAI_MODEL}`" in page
    assert f"`{seed.ANTHROPIC_MODEL}`" in page


def test_decisions_are_numbered_once_and_short():
    records = [path for path in tracked(".md") if path.parent.name == "adr"]
    numbers = [path.name[:4] for path in records]
    assert sorted(set(numbers)) == sorted(numbers)
    assert [named(path) for path in records if len(path.read_text().splitlines()) > 25] == []
