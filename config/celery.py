"""The Celery application: a message says only that a run may have work."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown, worker_shutting_down
from kombu.transport.redis import Channel
from redis import ConnectionError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

address_of_broker = Channel._connparams


def refuse_when_gone(self: Channel, *given: Any, **named: Any) -> Any:
    """Say of a channel that its connection is gone, where it is: that is logged, and the worker connects anew.

    Kombu fails over the missing address instead, when a step that outlived the broker is over, and ends the worker.
    """
    if self.connection is None or self.connection.client is None:
        raise ConnectionError("The connection to the broker over which this message came is gone.")
    return address_of_broker(self, *given, **named)  # type: ignore[no-untyped-call]


Channel._connparams = refuse_when_gone  # type: ignore[method-assign]


@setup_logging.connect
def keep_our_logs(**_: Any) -> None:
    """Keep Celery from putting handlers of its own beside ours: settings say how logs look, and hide what they must."""


@worker_init.connect
def refuse_unsafe_settings(**_: Any) -> None:
    """Stop a worker that would run with forgotten keys."""
    from config.checks import refuse_to_serve

    refuse_to_serve()


companions: list[Any] = []


@worker_ready.connect
def begin_companions(**_: Any) -> None:
    """Begin the heartbeat and the sweep beside the work of this process."""
    from agents.engine.threads import Companions

    companions.append(Companions())
    companions[-1].start()


@worker_shutting_down.connect
def stop_claiming(**_: Any) -> None:
    """Let what is in flight end, and begin nothing more: other workers carry the runs on."""
    from agents.engine import workers

    workers.stop_claiming()


@worker_shutdown.connect
def end_companions(**_: Any) -> None:
    """End them, so that others take over at once what this process still holds."""
    while companions:
        companions.pop().stop()
