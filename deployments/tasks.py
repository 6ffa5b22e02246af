from celery import shared_task

from deployments import receipt_signing, rollout, watch
from deployments.prediction_log import days
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


@shared_task(name="deployments.keep_prediction_log", ignore_result=True)
def keep_prediction_log() -> None:
    days.keep_days()


@shared_task(name="deployments.sign_receipts", ignore_result=True)
def sign_receipts() -> None:
    receipt_signing.sign_pending()
