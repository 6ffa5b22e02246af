from django.db import models


class WorkStatus(models.TextChoices):
    """States of anything that is leased: jobs and deliveries."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def successors(self) -> frozenset["WorkStatus"]:
        return _SUCCESSORS[self]

    @classmethod
    def terminal(cls) -> frozenset["WorkStatus"]:
        """States from which only a person's retry leads on."""
        return frozenset({cls.SUCCEEDED, cls.FAILED, cls.CANCELLED})


_SUCCESSORS = {
    WorkStatus.QUEUED: frozenset({WorkStatus.RUNNING, WorkStatus.CANCELLED, WorkStatus.FAILED}),
    WorkStatus.RUNNING: frozenset(
        {WorkStatus.SUCCEEDED, WorkStatus.FAILED, WorkStatus.CANCELLED, WorkStatus.QUEUED}
    ),
    WorkStatus.SUCCEEDED: frozenset(),
    WorkStatus.FAILED: frozenset({WorkStatus.QUEUED}),
    WorkStatus.CANCELLED: frozenset({WorkStatus.QUEUED}),
}
