"""One call after another to the tracking server, of all that concerns one model."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from hokusai.core.errors import OutsideUnavailable

PAUSE_S = 0.1


class Busy(OutsideUnavailable):
    """Another worker tells the tracking server of this model; this one waits its turn."""

    code = "sync_busy"


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Hold what is named while nobody else does, without a transaction.

    Waits its turn for SYNC_TURN_S seconds: whoever is put back instead waits longer each time,
    and of many versions of one model the last would starve. Raises Busy after that.
    The database lets go when the connection ends, however the worker does.
    """
    until = time.monotonic() + settings.SYNC_TURN_S
    while not _taken(what):
        if time.monotonic() > until:
            raise Busy(f"Another worker brings {what} in step.")
        time.sleep(PAUSE_S)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [what])


def _taken(what: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [what])
        return cursor.fetchone() == (True,)
