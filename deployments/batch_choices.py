from django.db import models


class BatchStatus(models.TextChoices):
    """How far a batch of predictions is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def successors(self) -> frozenset["BatchStatus"]:
        return _SUCCESSORS[self]

    @classmethod
    def under_way(cls) -> frozenset["BatchStatus"]:
        """States in which workers are at it, or about to be."""
        return frozenset({cls.QUEUED, cls.RUNNING})

    @classmethod
    def resumable(cls) -> frozenset["BatchStatus"]:
        """States from which a person may let it go on."""
        return frozenset({cls.FAILED, cls.CANCELLED})


_ENDS = frozenset({BatchStatus.FAILED, BatchStatus.CANCELLED})
_SUCCESSORS = {
    BatchStatus.QUEUED: _ENDS | {BatchStatus.RUNNING},
    BatchStatus.RUNNING: _ENDS | {BatchStatus.SUCCEEDED},
    BatchStatus.SUCCEEDED: frozenset(),
    BatchStatus.FAILED: frozenset({BatchStatus.QUEUED}),
    BatchStatus.CANCELLED: frozenset({BatchStatus.QUEUED}),
}


class ChunkStatus(models.TextChoices):
    """Whether a part of a batch has its outputs."""

    PENDING = "pending"
    ASKED = "asked"
    DONE = "done"

    @property
    def successors(self) -> frozenset["ChunkStatus"]:
        return _CHUNK_SUCCESSORS[self]


_CHUNK_SUCCESSORS = {
    # Its last job may still be at it where the batch was stopped and goes on.
    ChunkStatus.PENDING: frozenset({ChunkStatus.ASKED, ChunkStatus.DONE}),
    ChunkStatus.ASKED: frozenset({ChunkStatus.PENDING, ChunkStatus.DONE}),
    ChunkStatus.DONE: frozenset(),
}


class OnError(models.TextChoices):
    """What becomes of the batch where the model refuses a row."""

    FAIL = "fail"
    MARK = "mark"
