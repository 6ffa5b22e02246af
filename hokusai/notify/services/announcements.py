from django.db import transaction
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Forbidden
from hokusai.core.events import Actor, record
from hokusai.core.models import Event
from hokusai.notify import bell, wording
from hokusai.notify.audience import recipients_of
from hokusai.notify.choices import Topic, topic_of
from hokusai.notify.models import Message, Webhook, WebhookDelivery


@transaction.atomic
def announce(*, event: Event) -> None:
    """Queue a message to each member and webhook that is to hear of an event.

    Hearing of it twice is the same as once. Records nothing: messages are no change of anything.
    """
    topic = topic_of(event.tag, event.after)
    project = Project.objects.filter(pk=event.project_id or 0).first()
    if topic is None or project is None:
        return
    _queue_messages(event, topic, project)
    _queue_deliveries(event, topic, project)


def _queue_messages(event: Event, topic: Topic, project: Project) -> None:
    subject, body = wording.mail_subject(event, project), wording.mail_body(event, project)
    Message.objects.bulk_create(
        (
            Message(
                event=event,
                project=project,
                recipient=user,
                topic=topic,
                subject=subject,
                body=body,
            )
            for user in recipients_of(event, topic, project)
        ),
        ignore_conflicts=True,
    )
    for pk in Message.objects.filter(event=event).waiting():
        bell.ring_for_message(pk)


def _queue_deliveries(event: Event, topic: Topic, project: Project) -> None:
    webhooks = Webhook.objects.listening(topic).filter(project=project)
    body = wording.webhook_body(event, project)
    WebhookDelivery.objects.bulk_create(
        (
            WebhookDelivery(webhook=webhook, event=event, type=topic, body=body)
            for webhook in webhooks
        ),
        ignore_conflicts=True,
    )
    for pk in WebhookDelivery.objects.filter(event=event).waiting():
        bell.ring_for_webhook(pk)


@transaction.atomic
def retry_message(*, message_id: int, actor: Actor) -> Message:
    """Send a mail again that was not sent. Raises InvalidTransition, or Forbidden for another's."""
    message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
    if actor.user_id != message.recipient_id:
        raise Forbidden("A message is sent again at its recipient's wish.")
    before = message.status
    message.move_to(WorkStatus.QUEUED)
    message.attempt, message.finished_at = 0, None
    message.save(update_fields=["status", "attempt", "finished_at"])
    Message.objects.filter(pk=message.pk).update(run_after=Now())
    bell.ring_for_message(message.pk)
    record(
        "message:retried",
        subject=message.public_id,
        actor=actor,
        project_id=message.project_id,
        label=message.subject,
        before={"status": before},
        after={"status": message.status},
    )
    return message
