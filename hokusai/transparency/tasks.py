from celery import shared_task

from hokusai.transparency import services


@shared_task(name="transparency.sequence", ignore_result=True)
def sequence() -> None:
    services.sequence(wait=False)
