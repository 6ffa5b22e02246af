"""Rings for work that is due and that nobody heard of, or whose worker died."""

from hokusai.core import doorbell, outbox
from hokusai.core.jobs import queue_of
from hokusai.core.models import Job

BATCH = 1000


def ring_for_due_work() -> int:
    """Ring once for each due job and stream; how many rings."""
    due = list(Job.objects.claimable().order_by("run_after")[:BATCH])
    for job in due:
        doorbell.ring("core.run_job", job.pk, queue=queue_of(job))
    streams = outbox.due_streams(BATCH)
    for stream in streams:
        doorbell.ring("core.deliver", stream)
    return len(due) + len(streams)
