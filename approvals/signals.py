"""News for upper floors, sent on commit. The rows are the truth; a lost signal costs a sweep's second."""

from django.dispatch import Signal

request_moved = Signal()
"""Sent with ``request_id`` and ``run_id`` when a request has opened or closed."""
