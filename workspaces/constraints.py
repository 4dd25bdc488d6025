"""Composite foreign keys ``(x_id, workspace_id)``: the database itself keeps workspaces apart (DESIGN section 3)."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, ForeignKey, Model, UniqueConstraint


class SameWorkspace(BaseConstraint):
    """Let ``field`` refer only to rows of this row's own workspace.

    The referred table carries the unique pair that :func:`tenant_key` declares. NULL references are let through, as
    SQL's MATCH SIMPLE does.
    """

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def _add_sql(self, model: type[Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
        quote = schema_editor.quote_name
        field = model._meta.get_field(self.field)
        if not isinstance(field, ForeignKey):
            raise TypeError(f"{self.field} of {model.__name__} refers to no model.")
        target: type[Model] = field.related_model
        return (
            f"ALTER TABLE {quote(model._meta.db_table)} ADD CONSTRAINT {quote(self.name)} "
            f"FOREIGN KEY ({quote(field.attname)}, {quote('workspace_id')}) "
            f"REFERENCES {quote(target._meta.db_table)} ({quote('id')}, {quote('workspace_id')}) "
            "DEFERRABLE INITIALLY DEFERRED"
        )

    def constraint_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Defer it to the end of the migration, when the referred table and its unique pair are there."""
        if model is None or schema_editor is None:
            raise TypeError("A composite foreign key belongs to a model.")
        schema_editor.deferred_sql.append(self._add_sql(model, schema_editor))
        return ""

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        return self.constraint_sql(model, schema_editor)

    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        if model is None or schema_editor is None:
            raise TypeError("A composite foreign key belongs to a model.")
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Leave the check to the database."""

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs["field"] = self.field
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SameWorkspace):
            return self.name == other.name and self.field == other.field
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, self.field))


def tenant_key(table: str) -> UniqueConstraint:
    """Return the unique pair ``(id, workspace)`` that composite foreign keys to ``table`` refer to."""
    return UniqueConstraint(fields=["id", "workspace"], name=f"{table}_tenant_key")
