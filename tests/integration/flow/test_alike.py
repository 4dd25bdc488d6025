"""Rows that differ in few columns: written at once, and each as it would be alone."""

import json

import pytest
from django.db import IntegrityError, transaction

from agents.models import Step
from workspaces.alike import insert_alike
from workspaces.ids import uuid7
from workspaces.models import Salt

HOSTILE = [
    "",
    "NULL",
    'a","b',
    "{x,y}",
    "back\\slash",
    "'; DROP TABLE workspaces_user; --",
    "ümläut \u202e",
    "%s %(a)s",
]


@pytest.mark.django_db
def test_texts_arrive_as_they_are(flows):
    flows.publish({"a": {"kind": "code", "function": "same", "arguments": {"value": 1}}})
    run = flows.start({})
    ids = [str(uuid7()) for _ in HOSTILE]
    sample = Step(workspace_id=run.workspace_id, run=run, turn=1, kind="code", node="a", scopes=run.scopes)
    numbers = [str(2 + place) for place in range(len(HOSTILE))]
    inputs = [json.dumps({"text": text}) for text in HOSTILE]
    insert_alike(sample, {"id": ids, "number": numbers, "explanation": HOSTILE, "input": inputs})
    found = Step.objects.filter(pk__in=ids)
    assert [step.explanation for step in found] == HOSTILE
    assert [step.input["text"] for step in found] == HOSTILE
    assert {(step.kind, step.node, tuple(step.scopes), step.action_id, step.thread) for step in found} == {
        ("code", "a", tuple(run.scopes), None, "")
    }
    assert all(step.created_at == sample.created_at for step in found)


@pytest.mark.django_db
def test_one_row_that_is_refused_leaves_none(cast):
    scope = str(uuid7())
    columns = {"id": [str(uuid7()), str(uuid7())], "scope_id": [scope, scope], "value": ["\\x01", "\\x02"]}
    with pytest.raises(IntegrityError, match="salt_once_a_scope"), transaction.atomic():
        insert_alike(Salt(workspace=cast.workspace), columns)
    assert not Salt.objects.filter(scope_id=scope).exists()
