from celery import shared_task

from hokusai.notify import bell, mailing, posting


@shared_task(name=bell.SEND_MESSAGE, ignore_result=True)
def send_message(message_id: int) -> None:
    mailing.send(message_id)


@shared_task(name=bell.SEND_WEBHOOK, ignore_result=True)
def send_webhook(delivery_id: int) -> None:
    posting.deliver(delivery_id)


@shared_task(name="notify.sweep", ignore_result=True)
def sweep() -> None:
    bell.ring_for_due()
