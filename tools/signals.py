"""News for upper floors, sent on commit. The rows are the truth; a lost signal costs a sweep's second."""

from django.dispatch import Signal

action_moved = Signal()
"""Sent with ``action_id`` when an action has become cleared or terminal, or was revised."""
