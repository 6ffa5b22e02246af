from typing import Any, Self

from django.db import models

from hokusai.accounts.permissions import projects_where
from hokusai.accounts.querysets import ScopedQuerySet
from registry.choices import Access, ArtifactState, PromotionStatus, Stage, SyncState


class DatasetVersionQuerySet(ScopedQuerySet):
    project_path = "dataset__project"

    def readable_by(self, user: Any) -> Self:
        """Versions whose rows the user may read: a benchmark's rows only by stewards."""
        stewarded = projects_where(user, "registry.read_benchmark_rows")
        return self.of_member(user).filter(
            models.Q(access=Access.MEMBERS) | models.Q(dataset__project__in=stewarded)
        )


class ModelVersionQuerySet(ScopedQuerySet):
    project_path = "model__project"

    def with_names(self) -> Self:
        """With what a list shows of the model and the parent, in one query."""
        return self.select_related("model__project", "parent", "registered_by")

    def ready(self) -> Self:
        return self.filter(artifact_state=ArtifactState.READY)

    def in_production(self) -> Self:
        return self.filter(stage=Stage.PRODUCTION)

    def waiting_for_sync(self) -> Self:
        return self.filter(sync_state=SyncState.PENDING)


class OfVersionQuerySet(ScopedQuerySet):
    project_path = "version__model__project"


class PromotionQuerySet(OfVersionQuerySet):
    def awaiting_review(self) -> Self:
        return self.filter(status=PromotionStatus.REQUESTED)
