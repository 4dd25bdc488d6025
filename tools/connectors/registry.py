"""Which kinds of outside systems are known, and which operations they have.

A kind is known by being registered here, once and by name; nothing is discovered. Built-in kinds of other floors
register themselves with ``register`` when Django starts.
"""

from types import MappingProxyType
from typing import Final

from tools.connectors.base import Connector, Operation
from tools.connectors.postgres import PostgresConnector
from tools.connectors.smtp import SmtpConnector
from tools.connectors.stripe import StripeConnector
from workspaces.errors import InvalidInput

_known: Final[dict[str, Connector]] = {}
_builtin: Final[set[str]] = set()
CONNECTORS: Final = MappingProxyType(_known)


def register(connector: Connector, *, builtin: bool = False) -> None:
    """Make a kind known; raise ``ValueError`` where another connector has that kind already.

    ``builtin``: it works on Countersign's own rows. Its writes run inside the transaction that records their outcome.
    """
    present = _known.setdefault(connector.kind, connector)
    if type(present) is not type(connector):
        raise ValueError(f"The connector kind {connector.kind} is registered twice.")
    if builtin:
        _builtin.add(connector.kind)


def is_builtin(kind: str) -> bool:
    """Say whether connections of this kind lead to Countersign's own rows and nowhere else."""
    return kind in _builtin


def connector(kind: str) -> Connector:
    """Return the connector of this kind; raise ``InvalidInput`` with the kinds that there are."""
    try:
        return _known[kind]
    except KeyError:
        raise InvalidInput(f"There is no connector {kind!r}.", f"Choose one of: {', '.join(sorted(_known))}.") from None


def operation(kind: str, name: str) -> Operation:
    """Return one operation of a kind; raise ``InvalidInput`` with the operations that there are."""
    operations = connector(kind).operations
    if name not in operations:
        raise InvalidInput(f"{kind} has no operation {name!r}.", f"Choose one of: {', '.join(sorted(operations))}.")
    return operations[name]


register(PostgresConnector())
register(SmtpConnector())
register(StripeConnector())
