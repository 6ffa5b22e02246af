"""The days of the log: each a partition, made ahead and dropped when its time is over."""

from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connections

log = structlog.get_logger(__name__)
AHEAD_DAYS: Final = 7
_THERE = "SELECT to_regprocedure('deployments_keep_predictionlog(integer, integer)') IS NOT NULL"
_KEEP = "SELECT done, part FROM deployments_keep_predictionlog(%s, %s)"


def keep_days(using: str = "default") -> dict[str, list[str]]:
    """Make the partitions of the next days, drop those that are over; their names under "made" and
    "dropped".

    How long a day stays is the setting PREDICTION_LOG_DAYS. Safe to run at any time, and twice.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_KEEP, [AHEAD_DAYS, settings.PREDICTION_LOG_DAYS])
        found = cursor.fetchall()
    names: dict[str, list[str]] = {"made": [], "dropped": []}
    for done, part in found:
        names[done].append(part)
    if found:
        log.info("prediction_log_days", **names)
    return names


def keep_after_migrate(*, using: str, **_: Any) -> None:
    """Let a database that was migrated have its days at once; without the table it does nothing."""
    with connections[using].cursor() as cursor:
        cursor.execute(_THERE)
        (there,) = cursor.fetchone()
    if there:
        keep_days(using)
