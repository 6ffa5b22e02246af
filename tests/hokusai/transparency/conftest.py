"""A log that tests fill, and the roles that may and may not touch it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from hokusai.transparency import services
from hokusai.transparency.models import LogRecord

Write = Callable[..., LogRecord]


def write(number: int = 1, kind: str = "attempt", **fields: Any) -> LogRecord:
    """A committed record, not yet sequenced."""
    with transaction.atomic():
        return services.append(kind, {"n": number}, subject=f"cmp_{number}", **fields)


@pytest.fixture
def filled() -> list[LogRecord]:
    """Seven sequenced records."""
    records = [write(number) for number in range(7)]
    services.sequence()
    return records
