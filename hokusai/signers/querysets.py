from datetime import datetime

from django.db import models
from django.db.models import Q


class SigningKeyQuerySet(models.QuerySet):
    """Named reads of keys."""

    def of(self, purpose: str) -> "SigningKeyQuerySet":
        """Keys of one purpose."""
        return self.filter(purpose=purpose)

    def valid_at(self, at: datetime) -> "SigningKeyQuerySet":
        """Keys that may sign at a moment: begun, not ended, not compromised."""
        ends_later = Q(valid_until=None) | Q(valid_until__gt=at)
        return self.filter(ends_later, valid_from__lte=at, compromised_at=None)
