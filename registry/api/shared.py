"""What other projects share: to be read beside one's own."""

from typing import Any

from django.db.models import QuerySet

from hokusai.web.views import ScopedViewSet, readable_projects
from registry.models import Model, ModelVersion
from registry.querysets import models_shared_with, shared_models

READ = "registry.view_model"


class SharedReading(ScopedViewSet):
    """Models and their versions, also those that other projects share with whoever asks.

    They are read; whatever changes them is for their own project.
    """

    def visible(self, queryset: Any, permission: str, path: str) -> QuerySet[Any]:
        """Rows of projects that grant the permission; to read, also what is shared."""
        rows = queryset.all()
        if permission != READ or rows.model not in (Model, ModelVersion):
            return super().visible(queryset, permission, path)
        if self.request.user.is_superuser:
            return rows
        projects = readable_projects(self.request, permission)
        found: QuerySet[Any] = rows.within(projects.values("pk"), self._shared())
        return found

    def opens(self, obj: Any, permission: str) -> bool:
        """Whether a share lets whoever asks read this row."""
        if permission != READ or not isinstance(obj, Model | ModelVersion):
            return False
        rows = type(obj)._default_manager.filter(pk=obj.pk)  # noqa: SLF001
        return self.visible(rows, permission, "project").exists()

    def _shared(self) -> QuerySet[Any]:
        if self.key is not None:
            return models_shared_with(self.key.project_id)
        return shared_models(self.request.user)
