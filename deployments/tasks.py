from celery import shared_task

from deployments import receipt_signing, rollout, watch
from deployments.batches import upkeep
from deployments.prediction_log import days, writer
from hokusai.core.errors import OutsideUnavailable


@shared_task(name="deployments.watch_revisions", ignore_result=True)
def watch_revisions() -> None:
    watch.watch_revisions()


@shared_task(name="deployments.look_at_providers", ignore_result=True)
def look_at_providers() -> None:
    watch.look_at_providers()


@shared_task(name="deployments.serve_as_told", ignore_result=True)
def serve_as_told(deployment_id: str) -> None:
    watch.serve_as_told(deployment_id)


@shared_task(
    name="deployments.end_revision",
    ignore_result=True,
    autoretry_for=(OutsideUnavailable,),
    retry_backoff=True,
    max_retries=3,
)
def end_revision(revision_id: str) -> None:
    rollout.end_revision(revision_id)


@shared_task(name="deployments.keep_prediction_log", ignore_result=True)
def keep_prediction_log() -> None:
    days.keep_days()
    writer.read_spool()


@shared_task(name="deployments.sign_receipts", ignore_result=True)
def sign_receipts() -> None:
    receipt_signing.sign_pending()


@shared_task(
    name="deployments.end_batch",
    ignore_result=True,
    autoretry_for=(OutsideUnavailable,),
    retry_backoff=True,
    max_retries=3,
)
def end_batch(batch_id: str) -> None:
    upkeep.end_batch(batch_id)


@shared_task(name="deployments.tend_batches", ignore_result=True)
def tend_batches() -> None:
    upkeep.tend_batches()
