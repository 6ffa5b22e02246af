from typing import Any, Self

from django.apps import apps
from django.db import models

from hokusai.accounts.querysets import ScopedQuerySet
from hokusai.core.choices import WorkStatus
from hokusai.core.querysets import WorkQuerySet


class WebhookQuerySet(ScopedQuerySet):
    def present(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)

    def listening(self, topic: str) -> Self:
        """Those that are to hear of a topic."""
        return self.present().filter(active=True, topics__contains=[topic])


class _Queued(WorkQuerySet):
    """Messages of projects on their way; `project_path` leads from a row to its project."""

    project_path = "project"

    def of_member(self, user: Any) -> Self:
        """Rows of projects that the user belongs to."""
        projects = apps.get_model("accounts", "Project").objects.of_member(user)
        return self.filter(**{f"{self.project_path}__in": projects})

    def waiting(self) -> list[int]:
        """Keys of those that no worker has taken yet."""
        return list(self.filter(status=WorkStatus.QUEUED).values_list("pk", flat=True))


class MessageQuerySet(_Queued):
    """Mail on its way."""


class WebhookDeliveryQuerySet(_Queued):
    project_path = "webhook__project"


class SubscriptionQuerySet(models.QuerySet):
    def of(self, user: Any) -> Self:
        """A person's own choices."""
        return self.filter(user=user)
