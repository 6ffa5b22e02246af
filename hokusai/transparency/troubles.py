"""Keeping what goes wrong in the log's own work where people see it, without an event each time.

An event would be sealed and make the tree grow, and growth is what this work is about.
"""

from collections.abc import Callable

import structlog
from django.db import transaction
from django.db.models.functions import Now

from hokusai.core.errors import DomainError
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Event
from hokusai.transparency.exceptions import LogShrank
from hokusai.transparency.models import Trouble

log = structlog.get_logger(__name__)
SIGNING = "signing"
PUBLISHING = "publishing"
SHRANK = "log:shrank"


def watched(source: str, work: Callable[[], None]) -> bool:
    """Do some work of the log; whether it worked. A refusal is kept until it works again."""
    try:
        work()
    except DomainError as error:
        log.warning("log_work_failed", source=source, error=str(error))
        _keep(source, error)
        return False
    Trouble.objects.filter(source=source).delete()
    return True


def _keep(source: str, error: DomainError) -> None:
    with transaction.atomic():
        Trouble.objects.update_or_create(
            source=source, defaults={"message": str(error), "seen_at": Now()}
        )
        if isinstance(error, LogShrank):
            _tell_once(error)


def _tell_once(error: LogShrank) -> None:
    subject = f"checkpoint_{error.context.get('size', 0)}"
    # The event itself makes the tree grow; a second one for each try would never end.
    if not Event.objects.filter(tag=SHRANK, subject=subject).exists():
        record(SHRANK, subject=subject, actor=SYSTEM, project_id=None, after={"error": str(error)})
