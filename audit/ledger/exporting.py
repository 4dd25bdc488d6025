"""Writes the ledger as JSON lines that ``docs/verify_ledger.py`` verifies alone, without trusting us."""

import json
from collections.abc import Iterable, Iterator
from uuid import UUID

from audit.ledger.contents import event_line, seal_line
from audit.ledger.verification import ordered_events, ordered_seals


def lines(workspace_ids: Iterable[UUID]) -> Iterator[str]:
    """Yield one JSON object a line: of each workspace its seals, then its events in their order."""
    for workspace_id in workspace_ids:
        for seal in ordered_seals(workspace_id):
            yield json.dumps(seal_line(seal), ensure_ascii=False) + "\n"
        for event in ordered_events(workspace_id):
            yield json.dumps(event_line(event), ensure_ascii=False) + "\n"
