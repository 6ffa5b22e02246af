from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Q

from hokusai.accounts.permissions import projects_where
from hokusai.accounts.querysets import ScopedQuerySet
from registry.choices import (
    Access,
    ArtifactState,
    PromotionStatus,
    SecurityLevel,
    ShareRight,
    Stage,
    SyncState,
)


class DatasetVersionQuerySet(ScopedQuerySet):
    project_path = "dataset__project"

    def readable_by(self, user: Any) -> Self:
        """Versions whose rows the user may read: a benchmark's rows only by stewards."""
        stewarded = projects_where(user, "registry.read_benchmark_rows")
        return self.of_member(user).filter(
            models.Q(access=Access.MEMBERS) | models.Q(dataset__project__in=stewarded)
        )


class SharedQuerySet(ScopedQuerySet):
    """Rows of models: seen by their project and by those whom the model is shared with.

    `model_path` leads from a row to its model.
    """

    model_path = "pk"

    def visible_to(self, user: Any) -> Self:
        """Rows of projects that the user may see, and of models shared with the user."""
        if getattr(user, "is_superuser", False):
            return self
        visible = apps.get_model("accounts", "Project").objects.visible_to(user)
        return self.within(visible, shared_models(user))

    def at_hand(self, user: Any) -> Self:
        """Rows of projects that the user belongs to, and of models shared with the user."""
        if getattr(user, "is_superuser", False):
            return self
        # Read first: mostly there is nothing, and then the index over projects is enough.
        shared = list(shared_models(user).values_list("model", flat=True))
        if not shared:
            return self.of_member(user)
        own = apps.get_model("accounts", "Project").objects.of_member(user)
        return self.within(own, shared)

    def within(self, projects: Any, shared: Any) -> Self:
        """Rows of some projects and of some shared models."""
        return self.filter(Q(**{f"{self.project_path}__in": projects}) | self._of(shared))

    def _of(self, shared: Any) -> Q:
        return Q(**{f"{self.model_path}__in": shared})


def shared_models(user: Any) -> models.QuerySet[Any]:
    """Keys of the models that other projects share with a person."""
    shares = apps.get_model("registry", "ModelShare").objects.all()
    if not user.is_authenticated:
        return shares.none().values("model")
    own = Q(project__isnull=True) | Q(project__in=user.memberships.values("project"))
    return shares.filter(own).order_by().values("model")


def models_shared_with(project_id: int) -> models.QuerySet[Any]:
    """Keys of the models that other projects share with a project."""
    shares = apps.get_model("registry", "ModelShare").objects.all()
    own = Q(project__isnull=True) | Q(project=project_id)
    return shares.filter(own).order_by().values("model")


class ModelQuerySet(SharedQuerySet):
    def derivable_by(self, project_id: int) -> Self:
        """Models whose versions may be parents of a project's versions."""
        shares = apps.get_model("registry", "ModelShare").objects.filter(right=ShareRight.DERIVE)
        shared = shares.filter(Q(project__isnull=True) | Q(project=project_id))
        return self.filter(Q(project=project_id) | Q(pk__in=shared.order_by().values("model")))

    def usable_by(self, project_id: int) -> Self:
        """Models that a project's own may depend on."""
        return self.filter(Q(project=project_id) | Q(pk__in=models_shared_with(project_id)))

    def present(self) -> Self:
        """Not archived."""
        return self.filter(archived_at__isnull=True)


class OfModelQuerySet(ScopedQuerySet):
    project_path = "model__project"


class TrackedExperimentQuerySet(ScopedQuerySet):
    def mapped(self) -> Self:
        """Those whose runs and versions belong to a project."""
        return self.filter(project__isnull=False)


class ModelVersionQuerySet(SharedQuerySet):
    model_path = "model"

    def _of(self, shared: Any) -> Q:
        """What is restricted stays in its project."""
        return super()._of(shared) & ~Q(security_level=SecurityLevel.RESTRICTED)

    def with_names(self) -> Self:
        """With what a list shows of the model and the parent, in one query."""
        return self.select_related(
            "project", "model__project", "parent__model", "registered_by", "twin_of", "successor"
        )

    def ready(self) -> Self:
        return self.filter(artifact_state=ArtifactState.READY)

    def in_production(self) -> Self:
        return self.filter(stage=Stage.PRODUCTION)

    def waiting_for_sync(self) -> Self:
        return self.filter(sync_state=SyncState.PENDING)


class OfVersionQuerySet(ScopedQuerySet):
    project_path = "version__project"


class PromotionQuerySet(OfVersionQuerySet):
    def awaiting_review(self) -> Self:
        return self.filter(status=PromotionStatus.REQUESTED)
