from celery import shared_task

from registry import services


@shared_task(name="registry.abort_expired_uploads", ignore_result=True)
def abort_expired_uploads() -> None:
    services.abort_expired()


@shared_task(name="registry.expire_promotions", ignore_result=True)
def expire_promotions() -> None:
    services.expire_promotions()
