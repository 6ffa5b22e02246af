"""The broker only rings: the row is the work, and a sweep rings again for what was missed."""

import threading

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
GATHER_S = 0.1
Ring = tuple[str, list[object], str]
_gathered: list[Ring] = []
_gathering = threading.Lock()


def ring(task: str, *arguments: object, queue: str = "default") -> None:
    """Ask a worker to look at a row now. A broker that is down delays the work until the sweep."""
    try:
        current_app.send_task(task, args=list(arguments), queue=queue, retry=False)
    except OperationalError as error:
        log.warning("doorbell_unheard", task=task, error=str(error))


def ring_together(rings: list[Ring]) -> None:
    """Ring soon: what a process gathers in a tenth of a second goes out as one message.

    Each ring is a task, its arguments and its queue. What is lost when the process ends, the
    sweep rings for.
    """
    with _gathering:
        first = not _gathered
        _gathered.extend(rings)
    if first:
        timer = threading.Timer(GATHER_S, _send_gathered)
        timer.daemon = True
        timer.start()


def _send_gathered() -> None:
    with _gathering:
        rings = _gathered.copy()
        _gathered.clear()
    ring("core.ring_each", rings)
