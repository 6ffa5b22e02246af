from celery import Task, shared_task

from hokusai.core import doorbell, jobs, outbox, sweep


class JobTask(Task):
    """Keeps the reason of a crash where people look for it."""

    def on_failure(self, exc, task_id, args, kwargs, einfo) -> None:  # type: ignore[no-untyped-def]
        jobs.crashed(args[0], exc)


class DeliverTask(Task):
    """Keeps the reason of a crash beside the delivery that it stopped at."""

    def on_failure(self, exc, task_id, args, kwargs, einfo) -> None:  # type: ignore[no-untyped-def]
        outbox.crashed(args[0], exc)


@shared_task(name="core.run_job", base=JobTask, ignore_result=True)
def run_job(job_id: int) -> None:
    jobs.run(job_id)


@shared_task(name="core.deliver", base=DeliverTask, ignore_result=True)
def deliver(stream: str) -> None:
    outbox.deliver(stream)


@shared_task(name="core.sweep", ignore_result=True)
def sweep_work() -> None:
    sweep.ring_for_due_work()


@shared_task(name="core.ring_each", ignore_result=True)
def ring_each(rings: list[tuple[str, list[object], str]]) -> None:
    for task, arguments, queue in rings:
        doorbell.ring(task, *arguments, queue=queue)
