"""The broker only rings: the row is the work, and a sweep rings again for what was missed."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def ring(task: str, *arguments: object, queue: str = "default") -> None:
    """Ask a worker to look at a row now. A broker that is down delays the work until the sweep."""
    try:
        current_app.send_task(task, args=list(arguments), queue=queue, retry=False)
    except OperationalError as error:
        log.warning("doorbell_unheard", task=task, error=str(error))
