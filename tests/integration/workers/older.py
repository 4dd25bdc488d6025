"""The Celery application of workers that know no newer form of runs than the first one, as those before forks."""

from agents.engine import formats

formats.NEWEST = formats.PLAIN

from config.celery import app  # noqa: E402 - what it knows is said first

__all__ = ["app"]
