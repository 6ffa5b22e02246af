from celery import shared_task

from registry import services


@shared_task(name="registry.abort_expired_uploads", ignore_result=True)
def abort_expired_uploads() -> None:
    services.abort_expired()


@shared_task(name="registry.expire_promotions", ignore_result=True)
def expire_promotions() -> None:
    services.expire_promotions()


@shared_task(name="registry.reconcile_tracking", ignore_result=True)
def reconcile_tracking() -> None:
    services.request_reconciles()


@shared_task(name="registry.sweep_tracking", ignore_result=True)
def sweep_tracking() -> None:
    services.request_sweeps()


@shared_task(name="registry.forget_tracking", ignore_result=True)
def forget_tracking() -> None:
    services.forget_tracking()
