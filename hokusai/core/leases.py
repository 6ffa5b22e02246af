"""Claiming, keeping and finishing leased rows; the database's clock and a fencing token decide."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict
from hokusai.core.models import LeasedWork

W = TypeVar("W", bound=LeasedWork)
MAX_BACKOFF_S = 60.0


class LeaseLost(Conflict):
    """Another worker owns the row now; whatever this one did must not be written."""

    code = "lease_lost"


def claim(model: type[W], pk: int) -> W | None:
    """Take the row for one lease; None where it is not due or somebody else holds it."""
    taken = (
        model.objects.filter(pk=pk)
        .claimable()
        .update(
            status=WorkStatus.RUNNING,
            token=F("token") + 1,
            attempt=F("attempt") + 1,
            lease_expires_at=Now() + timedelta(seconds=settings.LEASE_S),
        )
    )
    return cast(W, model.objects.get(pk=pk)) if taken else None


def _held(row: LeasedWork) -> Any:
    return type(row).objects.filter(pk=row.pk, token=row.token, status=WorkStatus.RUNNING)


def renew(row: LeasedWork) -> bool:
    """Extend the lease; False when it is no longer ours."""
    expires = Now() + timedelta(seconds=settings.LEASE_S)
    return bool(_held(row).update(lease_expires_at=expires))


@contextmanager
def fenced(row: LeasedWork) -> Iterator[None]:
    """A transaction in which the row is ours. Raises LeaseLost before anything is written."""
    with transaction.atomic():
        if not list(_held(row).select_for_update().values_list("pk")):
            raise LeaseLost("The lease on this work ran out and another worker has it.")
        yield


def finish(row: LeasedWork, status: WorkStatus, error: str = "") -> None:
    """Close the row. Raises LeaseLost when it is no longer ours."""
    closed = _held(row).update(
        status=status, last_error=error, finished_at=Now(), lease_expires_at=None
    )
    if not closed:
        raise LeaseLost("The lease on this work ran out and another worker has it.")


def put_back(row: LeasedWork, error: str) -> None:
    """Queue the row again after a pause that doubles with each claim; the sweep rings for it.

    An outage is no attempt: the row waits as long as the outage lasts.
    """
    delay = min(MAX_BACKOFF_S, settings.RETRY_BASE_S * 2 ** min(row.token - 1, 10))
    _held(row).update(
        status=WorkStatus.QUEUED,
        attempt=row.attempt - 1,
        last_error=error,
        lease_expires_at=None,
        run_after=Now() + timedelta(seconds=delay),
    )


class Heartbeat:
    """Renews a lease from a thread of its own until the work ends."""

    def __init__(self, row: LeasedWork) -> None:
        self.row, self.lost = row, threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._done.wait(settings.LEASE_S / 4):
                if not renew(self.row):
                    self.lost.set()
                    return
        finally:
            connection.close()
