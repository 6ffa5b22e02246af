from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from hokusai.core.choices import WorkStatus


class EventQuerySet(models.QuerySet):
    def of(self, subject: str) -> Self:
        """Events of one subject, by its public id."""
        return self.filter(subject=subject)


class WorkQuerySet(models.QuerySet):
    def unfinished(self) -> Self:
        """Queued or running."""
        return self.filter(status__in=(WorkStatus.QUEUED, WorkStatus.RUNNING))

    def claimable(self) -> Self:
        """Queued and due, or running under a lease that ran out; by the database's clock."""
        return self.filter(
            Q(status=WorkStatus.QUEUED, run_after__lte=Now())
            | Q(status=WorkStatus.RUNNING, lease_expires_at__lt=Now())
        )
