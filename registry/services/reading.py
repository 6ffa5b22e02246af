import contextlib

from django.db import transaction

from hokusai.core import jobs
from hokusai.core.errors import Conflict
from registry.checks import is_large, last_reading
from registry.models import ModelVersion


@transaction.atomic
def read_later(version: ModelVersion) -> None:
    """Let a worker read a large artifact, unless one did lately or is at it."""
    if not is_large(version) or last_reading(version) is not None:
        return
    with contextlib.suppress(Conflict):  # It is being read already.
        jobs.enqueue(
            "artifact_verification",
            subject=version.public_id,
            project_id=version.project_id,
            label=str(version),
        )
