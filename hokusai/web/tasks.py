from celery import shared_task

from hokusai.web.idempotency import forget_expired


@shared_task(name="web.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    """Delete the records of repeated requests that are past their 24 hours."""
    forget_expired()
