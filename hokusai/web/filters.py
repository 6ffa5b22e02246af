"""Filters of lists, where those of the library take what PostgreSQL does not."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField


class MomentField(IsoDateTimeField):
    """An ISO 8601 moment in UTC; PostgreSQL refuses offsets of 16 hours and more."""

    def to_python(self, value: Any) -> datetime | None:
        """The moment. Raises ValidationError, also for one before the first year of UTC."""
        moment: datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    """Rows before or after a moment."""

    field_class = MomentField
