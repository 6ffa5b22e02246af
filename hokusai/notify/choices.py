from collections.abc import Mapping
from typing import Any

from django.db import models


class Topic(models.TextChoices):
    """What one may be told of; the `type` of a webhook's message."""

    PROMOTION_REQUESTED = "promotion.requested", "A promotion is asked for"
    PROMOTION_DECIDED = "promotion.decided", "A promotion is decided"
    STAGE_CHANGED = "stage.changed", "A version changes its stage"
    VERSION_REGISTERED = "version.registered", "A version is registered"
    VERSION_READY = "version.ready", "A version is ready"
    VERSION_FAILED = "version.failed", "A version's artifact fails"
    VERSION_RETIRED = "version.retired", "A version is retired"
    SYNC_CONFLICT = "sync.conflict", "A version changed here and in MLflow"
    WEBHOOK_DISABLED = "webhook.disabled", "A webhook is switched off because it fails"


# The type of the message that tries a webhook out; no topic, so that nobody subscribes to it.
TEST_TYPE = "webhook.test"

TOPIC_OF_TAG: dict[str, Topic] = {
    "promotion:requested": Topic.PROMOTION_REQUESTED,
    "promotion:approved": Topic.PROMOTION_DECIDED,
    "promotion:refused": Topic.PROMOTION_DECIDED,
    "promotion:cancelled": Topic.PROMOTION_DECIDED,
    "promotion:expired": Topic.PROMOTION_DECIDED,
    "stage:changed": Topic.STAGE_CHANGED,
    "version:registered": Topic.VERSION_REGISTERED,
    "version:ready": Topic.VERSION_READY,
    "version:failed": Topic.VERSION_FAILED,
    "version:retired": Topic.VERSION_RETIRED,
    "version:changed-in-mlflow": Topic.SYNC_CONFLICT,
    "webhook:disabled": Topic.WEBHOOK_DISABLED,
}


def topic_of(tag: str, after: Mapping[str, Any]) -> Topic | None:
    """What an event is about, by its tag and what it says; None where nobody is told of it."""
    topic = TOPIC_OF_TAG.get(tag)
    # What was changed in MLflow alone is taken over, and needs nobody.
    if topic == Topic.SYNC_CONFLICT and not after.get("conflicts"):
        return None
    return topic
