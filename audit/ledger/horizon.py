"""How far the ledger can be sealed: the first transaction that may still add an event.

Every event carries its transaction's id, and ids are given out before the transaction commits. Below the horizon all
transactions are over, so nothing can appear there any more; what is above waits for the next seal.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from audit.ledger.errors import EpochNeeded
from audit.ledger.models import Epoch

RESTORED = "CSE01"

# pg_current_snapshot() is the snapshot of this very statement, taken before pg_stat_activity is read: a transaction
# that is shown in another database was there all along, and one that nobody shows counts as ours. Our own transaction
# is not in its own snapshot, hence pg_current_xact_id_if_assigned().
HORIZON = """
WITH snapshot AS (SELECT pg_current_snapshot() AS taken),
elsewhere AS (
    SELECT backend_xid AS xid FROM pg_stat_activity WHERE datname <> current_database() AND backend_xid IS NOT NULL
    UNION ALL
    SELECT transaction FROM pg_prepared_xacts WHERE database <> current_database()
),
open AS (
    SELECT xip AS xid FROM snapshot, pg_snapshot_xip(taken) AS xip
    WHERE NOT EXISTS (SELECT FROM elsewhere WHERE elsewhere.xid = xip::xid)
    UNION ALL
    SELECT pg_current_xact_id_if_assigned() WHERE pg_current_xact_id_if_assigned() IS NOT NULL
)
SELECT
    ledger_current_epoch(),
    coalesce((SELECT min(xid) FROM open), pg_snapshot_xmax(taken))::text::bigint,
    pg_snapshot_xmax(taken)::text::bigint <= (
        SELECT max(txid) FROM ledger_event
        WHERE workspace_id = %s AND epoch = ledger_current_epoch()
            AND txid IS DISTINCT FROM pg_current_xact_id_if_assigned()::text::bigint
    )
FROM snapshot
"""


@dataclass(frozen=True)
class Horizon:
    """Events of earlier epochs, and of ``epoch`` with a smaller ``txid``, are final."""

    epoch: int
    txid: int


def horizon(workspace_id: UUID) -> Horizon:
    """Return the horizon now; raise ``EpochNeeded`` where transaction ids started again."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(HORIZON, [workspace_id])
            epoch, txid, is_ahead = cursor.fetchone()
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == RESTORED:
            raise EpochNeeded(_restored("This database was restored into another cluster")) from error
        raise
    if is_ahead:
        raise EpochNeeded(_restored("The ledger holds transaction ids that this cluster has not reached yet"))
    return Horizon(epoch, txid)


def begin_epoch() -> Epoch:
    """Begin a new epoch for this cluster and return it; waits for the transactions that are writing events."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ledger_event IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(
            "INSERT INTO ledger_epoch (number, cluster) "
            "SELECT (SELECT coalesce(max(number), 0) + 1 FROM ledger_epoch), system_identifier "
            "FROM pg_control_system() RETURNING number"
        )
        return Epoch.objects.get(number=cursor.fetchone()[0])


def _restored(what: str) -> str:
    return f'{what}, where ids start again. Run "manage.py seal_ledger --begin-epoch" once, then seal again.'
