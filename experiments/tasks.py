from celery import shared_task

from experiments import runs


@shared_task(name="experiments.pull_runs", ignore_result=True)
def pull_runs() -> None:
    runs.pull_runs()


@shared_task(name="experiments.sweep_runs", ignore_result=True)
def sweep_runs() -> None:
    runs.request_sweeps()
