"""News for upper floors, sent on commit. The rows are the truth; a lost signal costs a sweep's second."""

from django.dispatch import Signal

action_moved = Signal()
"""Sent with ``action_id`` when an action has become cleared or terminal, or was revised."""

budget_moved = Signal()
"""Sent with ``budget_id`` when a budget was raised or taken away, so that what waits for it may go on."""
