"""What holds for every table: references go down the floors, tenants stay apart, and history is only added to."""

import re

import pytest
from django.db import connection, models

from tests.unit.repo.repository import FLOORS, foreign_keys, our_models, written_by_people
from workspaces.constraints import SameWorkspace
from workspaces.models import TenantRow, Workspace

LEVEL = {label: len(FLOORS) - number for number, floor in enumerate(FLOORS) for label in floor}

REFUSED = "the database refuses UPDATE and DELETE"
ADDED = "rows are added and never changed, by every operation"
MUTABLE = "rows change"
PARTLY = "rows change in their fate, and the database refuses to change what they say"
MUTABILITY = {
    "agents.Agent": MUTABLE,
    "agents.AgentGrant": MUTABLE,
    "agents.AgentVersion": REFUSED,
    "agents.AgentVersionCollection": REFUSED,
    "agents.AgentVersionTool": REFUSED,
    "agents.EndpointState": MUTABLE,
    "agents.ModelRoute": MUTABLE,
    "agents.Overlay": REFUSED,
    "agents.Rate": MUTABLE,
    "agents.Run": PARTLY,
    "agents.RunSignal": MUTABLE,
    "agents.Schedule": MUTABLE,
    "agents.Step": PARTLY,
    "agents.Sweep": MUTABLE,
    "agents.Worker": MUTABLE,
    "approvals.Decision": REFUSED,
    "approvals.Policy": ADDED,
    "approvals.PolicyVersion": PARTLY,
    "approvals.Request": PARTLY,
    "approvals.ReviewQueue": MUTABLE,
    "approvals.ReviewQueueGrant": MUTABLE,
    "approvals.Verdict": REFUSED,
    "audit.Delivery": MUTABLE,
    "audit.WebhookEndpoint": MUTABLE,
    "ledger.Epoch": REFUSED,
    "ledger.Event": REFUSED,
    "ledger.Seal": REFUSED,
    "memory.Chunk": MUTABLE,
    "memory.ChunkVector": MUTABLE,
    "memory.Collection": MUTABLE,
    "memory.CollectionGrant": MUTABLE,
    "memory.Document": MUTABLE,
    "memory.Fact": MUTABLE,
    "memory.Message": MUTABLE,  # rewritten where a fact is forgotten, and deleted by its age
    "memory.Reembedding": MUTABLE,
    "memory.Session": ADDED,
    "tools.Action": PARTLY,
    "tools.ActionAttempt": MUTABLE,
    "tools.Budget": MUTABLE,
    "tools.Connection": PARTLY,
    "tools.ConnectionGrant": MUTABLE,
    "tools.Reservation": MUTABLE,
    "tools.Tool": MUTABLE,
    "tools.UsageRecord": MUTABLE,
    "workspaces.ApiKey": MUTABLE,
    "workspaces.IdempotencyRecord": MUTABLE,
    "workspaces.Invitation": MUTABLE,
    "workspaces.Membership": MUTABLE,
    "workspaces.Pause": MUTABLE,
    "workspaces.Payload": MUTABLE,
    "workspaces.PayloadUse": MUTABLE,
    "workspaces.Salt": MUTABLE,
    "workspaces.Team": MUTABLE,
    "workspaces.User": MUTABLE,
    "workspaces.Workspace": MUTABLE,
}
BY_AGE = {"emptying.py"}
"""Where the words of old rows are removed, past the triggers by name; the rows stay (docs/operations.md)."""
UPDATE_AND_DELETE = (
    "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgtype & 24 > 0"
)


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_foreign_keys_go_down_the_floors(model):
    own = model._meta.app_label
    for field in foreign_keys(model):
        target = field.related_model._meta.app_label
        assert target == own or LEVEL[target] < LEVEL[own], f"{model._meta.label}.{field.name} goes up"


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_invariant_14_references_to_tenants_rows_stay_in_the_workspace(model):
    if not issubclass(model, TenantRow):
        return
    guarded = {constraint.field for constraint in model._meta.constraints if isinstance(constraint, SameWorkspace)}
    for field in foreign_keys(model):
        name = f"{model._meta.label}.{field.name}"
        if isinstance(field, models.ManyToManyField) or not issubclass(field.related_model, TenantRow):
            continue
        assert field.name in guarded, name


def test_every_row_of_a_tenant_says_whose_it_is():
    without = {model._meta.label for model in our_models() if not issubclass(model, TenantRow)}
    grants = {
        "agents.AgentGrant",
        "approvals.ReviewQueueGrant",
        "memory.CollectionGrant",
        "tools.ConnectionGrant",
    }  # a trigger compares team and row
    ledger = {"ledger.Event", "ledger.Seal", "ledger.Epoch"}  # it knows workspaces by their UUIDs only
    assert without == grants | ledger | {"agents.Sweep", "agents.Worker", "workspaces.User", Workspace._meta.label}


def test_every_model_is_declared_mutable_or_append_only():
    assert {model._meta.label for model in our_models()} == MUTABILITY.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_the_database_refuses_to_change_what_is_append_only(model):
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_AND_DELETE, [model._meta.db_table])
        guards = [name for (name,) in cursor.fetchall() if not name.startswith("pgtrigger_grant_within")]
    assert bool(guards) == (MUTABILITY[model._meta.label] in {REFUSED, PARTLY})


def test_nothing_changes_rows_that_are_only_added():
    names = [label.partition(".")[2] for label, kind in MUTABILITY.items() if kind not in {MUTABLE, PARTLY}]
    changes = re.compile(rf"\b({'|'.join(names)})\.objects\b[^\n]*\.(update|delete|update_or_create|bulk_update)\(")
    ours = [path for path in written_by_people() if "tests" not in path.parts and path.name not in BY_AGE]
    assert [(path.name, hit[0]) for path in ours for hit in changes.finditer(path.read_text())] == []
