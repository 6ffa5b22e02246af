"""Everything a person, a client or an event may ask of notifications."""

from hokusai.notify.services.announcements import announce, retry_message
from hokusai.notify.services.subscriptions import choose
from hokusai.notify.services.webhooks import (
    Shown,
    change_webhook,
    create_webhook,
    remove_webhook,
    resend,
    rotate_secret,
    send_test,
)

__all__ = [
    "Shown",
    "announce",
    "change_webhook",
    "choose",
    "create_webhook",
    "remove_webhook",
    "resend",
    "retry_message",
    "rotate_secret",
    "send_test",
]
