from celery import shared_task

from hokusai.transparency import services


@shared_task(name="transparency.sequence", ignore_result=True)
def sequence() -> None:
    services.sequence(wait=False)


@shared_task(name="transparency.sign_checkpoint", ignore_result=True)
def sign_checkpoint() -> None:
    services.sign_checkpoint()


@shared_task(name="transparency.publish", ignore_result=True)
def publish() -> None:
    services.publish_checkpoint()
