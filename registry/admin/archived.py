"""Lists leave out what is archived, unless it is asked for."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


class ArchivedFilter(admin.SimpleListFilter):
    """Present rows by default; archived ones on demand."""

    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Archived")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(archived_at__isnull=self.value() != "yes")

    def choices(self, changelist: Any) -> Any:
        """The default says what it shows."""
        for choice in super().choices(changelist):
            yield {**choice, "display": "Present"} if choice["display"] == "All" else choice
