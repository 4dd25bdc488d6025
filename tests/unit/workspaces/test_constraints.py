"""Composite foreign keys: in the database, not in Python, and written down for migrations."""

import copy

import pytest
from django.db import connection, transaction
from django.db.models import UniqueConstraint

from tests.unit.repo.repository import our_models
from workspaces.constraints import SameWorkspace, tenant_key
from workspaces.models import Membership

GUARDED = [
    (model, constraint)
    for model in our_models()
    for constraint in model._meta.constraints
    if isinstance(constraint, SameWorkspace)
]


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "constraint"), GUARDED, ids=[constraint.name for _, constraint in GUARDED])
def test_invariant_14_the_database_holds_what_the_model_declares(model, constraint):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid), condeferrable FROM pg_constraint WHERE conname = %s", [constraint.name]
        )
        (definition, deferrable) = cursor.fetchone()
    target = model._meta.get_field(constraint.field).related_model._meta.db_table
    assert definition.startswith(
        f"FOREIGN KEY ({constraint.field}_id, workspace_id) REFERENCES {target}(id, workspace_id)"
    )
    assert deferrable


@pytest.mark.django_db
def test_a_constraint_is_made_and_removed_like_any_other():
    model, constraint = GUARDED[0]
    with transaction.atomic(), connection.schema_editor(atomic=False) as editor:
        editor.remove_constraint(model, constraint)
        assert not found(constraint.name)
        editor.add_constraint(model, constraint)
        assert not found(constraint.name), "it waits for the end of the migration"
        for statement in editor.deferred_sql:
            editor.execute(statement)
        editor.deferred_sql = []
        assert found(constraint.name)


def found(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s", [name])
        return cursor.fetchone() is not None


def test_it_is_written_down_as_it_was_made():
    _, constraint = GUARDED[0]
    path, args, kwargs = constraint.deconstruct()
    assert path == "workspaces.constraints.SameWorkspace"
    assert SameWorkspace(*args, **kwargs) == constraint
    assert hash(copy.copy(constraint)) == hash(constraint)


def test_two_are_the_same_by_name_and_field_alone():
    one = SameWorkspace(field="team", name="guard")
    assert one == SameWorkspace(field="team", name="guard")
    assert one != SameWorkspace(field="owner", name="guard")
    assert one != SameWorkspace(field="team", name="other")
    assert one != tenant_key("team")
    assert isinstance(tenant_key("team"), UniqueConstraint)


@pytest.mark.django_db
def test_a_column_that_refers_to_nothing_cannot_be_guarded():
    wrong = SameWorkspace(field="created_at", name="wrong")
    with connection.schema_editor(collect_sql=True) as editor, pytest.raises(TypeError, match="refers to no model"):
        wrong.create_sql(Membership, editor)


@pytest.mark.parametrize("verb", ["constraint_sql", "create_sql", "remove_sql"])
def test_without_a_model_there_is_nothing_to_guard(verb):
    with pytest.raises(TypeError, match="belongs to a model"):
        getattr(SameWorkspace(field="team", name="guard"), verb)(None, None)
