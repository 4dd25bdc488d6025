"""One row of one table that a tool may change: how it is read, how it is changed, and what a look at it proves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from psycopg import sql

from tools.connectors.base import Done, Drifted, Probe, Refused
from tools.connectors.columns import Column, column, columns, image, parameter, same
from tools.connectors.postgres_link import Link

Values = list[str | None]


def table(options: Mapping[str, Any]) -> sql.Identifier:
    """Return the quoted table of ``name`` or ``schema.name``; raise ``Refused`` for anything else."""
    named = options.get("table")
    parts = named.split(".") if isinstance(named, str) else []
    if not 1 <= len(parts) <= 2 or not all(parts) or "\x00" in str(named):
        raise Refused("The tool's option table must be name or schema.name: correct the tool.")
    return sql.Identifier(*parts)


def names(listed: Iterable[Column]) -> sql.Composed:
    """Return the quoted names of columns, separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(item.name) for item in listed)


def written(listed: Iterable[Column]) -> sql.Composed:
    """Return the quoted columns of an image: text columns as PostgreSQL writes them.

    So a column of any other type (json, an array, an interval, char(n)) that is declared as text is compared, and put
    back, in the very form in which it was read.
    """
    return sql.SQL(", ").join(
        sql.SQL("{}::text" if item.type == "text" else "{}").format(sql.Identifier(item.name)) for item in listed
    )


@dataclass(frozen=True, slots=True)
class Row:
    """The table, the column that names one row of it, and the columns that may change."""

    table: sql.Identifier
    key: Column
    changeable: list[Column]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Read the options of ``row.update``; raise ``Refused`` with what is wrong in them."""
        key, changeable = column(options.get("key"), of="key"), columns(options.get("columns"), of="columns")
        if key.name in {item.name for item in changeable}:
            raise Refused("The tool's key column cannot be changeable too: correct the tool.")
        return cls(table(options), key, changeable)

    @property
    def all(self) -> list[Column]:
        """The columns of an image: the key, then what may change."""
        return [self.key, *self.changeable]

    def read(self, link: Link, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the image of the row that the arguments name, None where there is none."""
        query = sql.SQL("SELECT {} FROM {} WHERE {} = {} LIMIT 2").format(
            written(self.all), self.table, sql.Identifier(self.key.name), sql.Placeholder()
        )
        found = link.rows(query, [self._named(arguments)])
        if len(found) > 1:
            raise Refused(f"More than one row has this {self.key.name}: the tool needs a unique key column.")
        return image(self.all, found[0]) if found else None

    def statement(self, arguments: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[sql.Composed, Values]:
        """Return the compare-and-set and its values; raise ``Refused`` where it could not compare everything."""
        known = {item.name: item for item in self.all}
        changes = {name: value for name, value in arguments.items() if name != self.key.name}
        if not changes or set(changes) - set(known):
            raise Refused(f"Change at least one of: {', '.join(list(known)[1:])}; and nothing else.")
        if before is None or set(before) != set(known):
            raise Refused("The state before is not what this tool reads now: propose the change again.")
        key = self._named(arguments)
        compared = [known[name] for name in before if name != self.key.name]
        query = sql.SQL("UPDATE {} SET {} WHERE {} = {} AND {} RETURNING {}").format(
            self.table,
            sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes),
            sql.Identifier(self.key.name),
            sql.Placeholder(),
            sql.SQL(" AND ").join(_unchanged(item) for item in compared),
            written(self.all),
        )
        new = [parameter(known[name], value) for name, value in changes.items()]
        old = [parameter(item, before[item.name]) for item in compared]
        return query, [*new, key, *old]

    def change(
        self,
        link: Link,
        arguments: Mapping[str, Any],
        before: Mapping[str, Any] | None,
        query: sql.Composed,
        values: Values,
    ) -> Done:
        """Run the compare-and-set, commit, and return the row as it was left; raise ``Drifted`` where it had moved."""
        link.stage = "update"
        found = link.rows(query, values)
        if len(found) > 1:
            raise Refused(f"More than one row has this {self.key.name}, so none was changed: correct the tool.")
        if not found:
            link.stage = "begun"
            raise self._moved(self.read(link, arguments), before)
        after = image(self.all, found[0])
        link.commit()
        return Done({"row": after}, after)

    def _named(self, arguments: Mapping[str, Any]) -> str:
        value = parameter(self.key, arguments.get(self.key.name))
        if value is None:
            raise Refused(f"Say which row is meant: {self.key.name} is missing.")
        return value

    def _moved(self, found: dict[str, Any] | None, before: Mapping[str, Any] | None) -> Drifted | Refused:
        if found is None:
            return Drifted("The row is gone; nothing was changed.", None)
        moved = [item.name for item in self.all if not same(item, found[item.name], (before or {}).get(item.name))]
        if moved:
            return Drifted(f"The row has changed since ({', '.join(moved)}); nothing was changed.", found)
        return Refused("The row is as it was, but this user may not change it (a row policy or a rule forbids it).")


def judge(
    shape: Row,
    working: int,
    found: Mapping[str, Any] | None,
    before: Mapping[str, Any] | None,
    expected: Mapping[str, Any] | None,
    evidence: Mapping[str, Any],
) -> Probe:
    """Say what a look at the row proves. ``working``: sessions of this very action that had not ended before it."""
    evidence = {**evidence, "found": found, "before": before, "expected": expected, "sessions": working}
    if found is None:
        return Probe(None, "The row is gone: nobody can tell whether it was changed before that.", evidence)
    if expected is not None and not _differences(shape, found, expected):
        return Probe(True, "The row is exactly as the change was to leave it.", evidence, after=dict(found))
    if working:
        return Probe(None, "A session of this action is still open at the database: look again later.", evidence)
    if before is not None and not _differences(shape, found, before):
        return Probe(False, "The row is as it was before, and no session is left that could still change it.", evidence)
    differing = _differences(shape, found, expected or {})
    return Probe(None, f"The row is neither as before nor as expected ({', '.join(differing)}).", {
        **evidence, "differences": differing,
    })  # fmt: skip


def _differences(shape: Row, found: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [item.name for item in shape.all if not same(item, found.get(item.name), other.get(item.name))]


def _unchanged(item: Column) -> sql.Composed:
    """Compare one column with what it was; text byte for byte, whatever the column's collation calls equal."""
    form = '{}::text COLLATE "C" IS NOT DISTINCT FROM {}' if item.type == "text" else "{} IS NOT DISTINCT FROM {}"
    return sql.SQL(form).format(sql.Identifier(item.name), sql.Placeholder())
