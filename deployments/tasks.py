from celery import shared_task

from deployments import rollout, watch
from hokusai.core.errors import OutsideUnavailable


@shared_task(name="deployments.watch_revisions", ignore_result=True)
def watch_revisions() -> None:
    watch.watch_revisions()


@shared_task(
    name="deployments.end_revision",
    ignore_result=True,
    autoretry_for=(OutsideUnavailable,),
    retry_backoff=True,
    max_retries=3,
)
def end_revision(revision_id: str) -> None:
    rollout.end_revision(revision_id)
