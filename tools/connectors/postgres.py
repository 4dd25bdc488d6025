"""Connector kind ``postgres``: rows of one table in any outside PostgreSQL database, found and changed.

It knows no particular table. A tool's options say which table and columns it may use; identifiers come from options
only and are quoted by ``psycopg.sql``, values are parameters only. A change is one compare-and-set: it applies to the
row exactly as it was when people decided, or not at all. See ``columns`` for how values are written in JSON.

Options of ``row.find``: ``table`` (``name`` or ``schema.name``), ``columns`` (returned), ``search`` (arguments),
``limit`` (1 to 200, 20 by default). Options of ``row.update``: ``table``, ``key`` (one unique column), ``columns``
(changeable). Columns are names, or objects ``{"name", "type", "enum", "max_length", "nullable", "description"}``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from psycopg import sql

from tools.connectors.base import Done, Operation, Probe, Refused, Target
from tools.connectors.columns import columns, differs, image, object_schema, parameter
from tools.connectors.options import check_options, limit_of
from tools.connectors.postgres_link import Link, application_name, backends, call, described, server_name
from tools.connectors.postgres_row import Row, judge, names, table
from tools.states import Effect, Idempotency

MAX_LIMIT: Final = 200
Json = dict[str, Any]


class RowFind:
    """Find rows by exact value (text without regard to case): a read."""

    name: ClassVar[str] = "row.find"
    effect: ClassVar[Effect] = Effect.READ
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.ENFORCED

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return one optional property per searchable column, of which at least one must be given."""
        check_options(options, "table", "columns", "search", "limit")
        table(options)
        columns(options.get("columns"), of="columns")
        limit_of(options, MAX_LIMIT)
        search = columns(options.get("search"), of="search")
        return object_schema({item.name: item.schema() for item in search}, required=[], at_least=1)

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Return ``{"rows": [...], "count": n, "truncated": bool}``, ordered by the first returned column."""
        shown = columns(target.options.get("columns"), of="columns")
        limit = limit_of(target.options, MAX_LIMIT)
        conditions, values = _search(target.options, arguments)
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}").format(
            names(shown),
            table(target.options),
            sql.SQL(" AND ").join(conditions),
            sql.Identifier(shown[0].name),
            sql.Literal(limit + 1),
        )
        found = call(target, lambda link: link.rows(query, values))
        rows = [image(shown, row) for row in found[:limit]]
        return Done({"rows": rows, "count": len(rows), "truncated": len(found) > limit})

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return None: a read changes nothing."""
        return None

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Answer that nothing happened: a read leaves no trace and may be done again."""
        return Probe(False, "A read changes nothing: it can be done again.", described(target))

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return None: there is nothing to undo."""
        return None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return None: nothing will change."""
        return None


class RowUpdate:
    """Change columns of one row, if the row is still as it was: reversible by the same operation."""

    name: ClassVar[str] = "row.update"
    effect: ClassVar[Effect] = Effect.REVERSIBLE
    egress: ClassVar[bool] = False
    moves_money: ClassVar[bool] = False
    idempotency: ClassVar[Idempotency] = Idempotency.CONDITIONAL

    def schema(self, options: Mapping[str, Any]) -> Json:
        """Return the key, required, and one property per changeable column, of which at least one must be given."""
        check_options(options, "table", "key", "columns")
        shape = Row.of(options)
        properties = {item.name: item.schema() for item in shape.all}
        return object_schema(properties, required=[shape.key.name], at_least=2)

    def before(self, target: Target, arguments: Mapping[str, Any]) -> Json | None:
        """Return the row's key and changeable columns; raise ``Refused`` where there is no such row, or more."""
        found = call(target, lambda link: Row.of(target.options).read(link, arguments))
        if found is None:
            raise Refused("There is no such row: look it up again.", described(target))
        return found

    def execute(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Done:
        """Change the row where every column of ``before`` still holds; the result is the row as it was left.

        Raises ``Drifted`` with the row as it is (None: gone) where one does not.
        """
        shape = Row.of(target.options)
        query, values = shape.statement(arguments, before)
        return call(target, lambda link: shape.change(link, arguments, before, query, values), key=key, write=True)

    def verify(self, target: Target, arguments: Mapping[str, Any], done: Done) -> Json | None:
        """Return the row as it is now; None where it is gone."""
        return call(target, lambda link: Row.of(target.options).read(link, arguments))

    def probe(
        self, target: Target, arguments: Mapping[str, Any], *, key: str, before: Mapping[str, Any] | None
    ) -> Probe:
        """Compare the row with what it was and with what it was to become.

        "It did not happen" is safe to say only while nobody can still make it happen: a change needs its server
        session, which carries the key as its name. So sessions are looked at first, the row afterwards.
        """
        shape = Row.of(target.options)

        def look(link: Link) -> tuple[int, Json | None]:
            return backends(link, application_name(key)), shape.read(link, arguments)

        working, found = call(target, look)
        return judge(shape, working, found, before, self.predict(arguments, before), described(target))

    def undo(
        self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
    ) -> Json | None:
        """Return the key and the earlier value of every column that changed; None where none did.

        An argument that changed nothing (the key is one) keeps the value that it had all along.
        """
        after = after or self.predict(arguments, before)
        if before is None or after is None:
            return None
        changed = {name: value for name, value in before.items() if name in after and differs(value, after[name])}
        kept = {name: before[name] for name in arguments if name in before and name not in changed}
        return {**kept, **changed} if changed else None

    def predict(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> Json | None:
        """Return ``before`` with the arguments' values in it."""
        return None if before is None else {**before, **arguments}


class PostgresConnector:
    """Any outside PostgreSQL database, reached with a role of its own."""

    kind: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL database"
    config_schema: ClassVar[Json] = object_schema(
        {
            "host": {
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "description": "Name, address or socket folder",
            },
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "database": {"type": "string", "minLength": 1, "maxLength": 63},
            "user": {"type": "string", "minLength": 1, "maxLength": 63},
            "sslmode": {"enum": ["disable", "prefer", "require", "verify-full"], "default": "prefer"},
        },
        required=["host", "port", "database", "user"],
    )
    secret_schema: ClassVar[Json] = object_schema({"password": {"type": "string", "minLength": 1}}, required=[])
    operations: ClassVar[Mapping[str, Operation]] = {"row.find": RowFind(), "row.update": RowUpdate()}

    def check(self, target: Target) -> str:
        """Sign in, ask for the version and return a sentence; raise ``NotSent`` or ``Refused``."""
        version = call(target, lambda link: link.rows("SHOW server_version"))[0][0]
        return f"PostgreSQL {version} answered at {server_name(target)} as {target.config.get('user')}."


def _search(options: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[list[sql.Composable], list[str | None]]:
    search = {item.name: item for item in columns(options.get("search"), of="search")}
    if not arguments or set(arguments) - set(search):
        raise Refused(f"Search by at least one of: {', '.join(search)}; and by nothing else.")
    conditions: list[sql.Composable] = []
    for name, value in arguments.items():
        if value is None:
            raise Refused(f"Give {name} a value, or leave it out.")
        text = search[name].type == "text"
        form = "lower({0}::text) = lower({1})" if text else "{0} = {1}"
        conditions.append(sql.SQL(form).format(sql.Identifier(name), sql.Placeholder()))
    return conditions, [parameter(search[name], value) for name, value in arguments.items()]
