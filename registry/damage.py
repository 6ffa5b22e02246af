"""A read whose bytes no longer match their digest is refused, and that is on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from hokusai.core.events import SYSTEM, record
from hokusai.storage.base import ContentDamaged


@contextmanager
def damage_recorded(row: Any) -> Iterator[None]:
    """Record damage that a read of the bytes of a version meets. Raises ContentDamaged after that.

    `row`: a model's version or a dataset's.

    Called outside a transaction, which would take the record back with the refusal.
    """
    try:
        yield
    except ContentDamaged as error:
        with transaction.atomic():
            record(
                "content:damaged",
                subject=row.public_id,
                actor=SYSTEM,
                project_id=row.project.pk,
                label=str(row),
                after={"message": str(error), **error.context},
            )
        raise
