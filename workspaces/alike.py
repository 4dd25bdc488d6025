"""Many rows that differ in few columns, written by one statement: the others are said once, and not once a row."""

from collections.abc import Mapping, Sequence

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault


def insert_alike(sample: models.Model, varying: Mapping[str, Sequence[str]]) -> None:
    """Insert a row for each place of the columns in ``varying``, in all else as ``sample``, which is not saved.

    ``varying`` has the texts of a field's values in PostgreSQL's own form, such as ``{a,b}`` of an array or ``\\x00``
    of bytes, all of one length; ``sample`` gives what a single ``save()`` would write, defaults included. No signal is
    sent, and ``sample`` is left as it is but for times that are set on saving.
    """
    names, values, said = [], [], []
    for field in sample._meta.concrete_fields:
        type_ = field.db_type(connection)
        if field.name in varying:
            values.append(f"new.{connection.ops.quote_name(field.name)}::{type_}")
        elif isinstance(value := field.pre_save(sample, add=True), DatabaseDefault):
            continue
        else:
            values.append(f"%s::{type_}")
            said.append(field.get_db_prep_save(value, connection))
        names.append(connection.ops.quote_name(str(field.column)))
    table = connection.ops.quote_name(sample._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(name) for name in varying)
    texts = ", ".join("%s::text[]" for _ in varying)
    statement = (  # all names are quoted, and those of our own models
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM unnest({texts}) AS new({columns})"  # noqa: S608
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*said, *(list(column) for column in varying.values())])
