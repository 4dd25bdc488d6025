"""What is so already is not written again; answers kept for repeats go when they are old."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.operations import save_route
from approvals.operations import save_queue
from audit.ledger.models import Event
from tests.factories import SETUP
from tests.house import house, world
from tools.operations import save_tool
from workspaces.changes import is_unchanged
from workspaces.models import IdempotencyRecord, Workspace
from workspaces.operations import answers

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db


def test_values_are_compared_as_json_and_nothing_is_equal_to_no_row():
    row = Workspace(name="A", slug="a")
    assert is_unchanged(row, {"name": "A"})
    assert not is_unchanged(row, {"name": "A", "slug": "b"})
    assert not is_unchanged(None, {})
    row.name = {"limit": 1, "of": [1]}
    assert is_unchanged(row, {"name": {"of": [1], "limit": 1}})
    assert not is_unchanged(row, {"name": {"of": [1], "limit": True}})


def test_saving_what_is_so_already_writes_no_event(house):
    tool = house.tools["look"]
    queue = {"name": house.queue.name, "title": house.queue.title, "is_default": True}
    route = {"name": "default", "endpoints": [{"provider": "demo", "model": "d"}]}
    same = {"name": tool.name, "title": tool.title, "description": tool.description, "connection": tool.connection}
    same |= {"operation_name": tool.operation, "options": tool.options}
    where = {"workspace": house.cast.workspace, "by": SETUP}
    saves = [(save_tool, same, "title"), (save_queue, queue, "title"), (save_route, route, "max_output_tokens")]
    for save, values, changes in saves:
        before = Event.objects.count()
        assert save(**values, **where).pk
        assert Event.objects.count() == before, save
        save(**{**values, changes: 99 if changes == "max_output_tokens" else "Another"}, **where)
        assert Event.objects.count() == before + 1, save


def test_old_answers_are_forgotten_and_younger_ones_kept(cast, settings, monkeypatch):
    settings.IDEMPOTENCY_DAYS = 7
    monkeypatch.setattr(answers, "BATCH", 2)
    place = {"workspace": cast.workspace, "user": cast.owner, "endpoint": "/api/v1/runs/", "request_digest": "d"}
    for number in range(4):
        IdempotencyRecord.objects.create(**place, key=str(number))
    week = IdempotencyRecord.objects.filter(key__in=["0", "1", "2"])
    week.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    assert [answers.forget_answers() for _ in range(3)] == [2, 1, 0]
    assert IdempotencyRecord.objects.get().key == "3"
