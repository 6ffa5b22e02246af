from collections.abc import Mapping, Sequence
from typing import Any

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import NotFound
from registry import services
from registry.lineage import Graph, lineage_of
from registry.models import Model, ModelVersion


class HokusaiModelRegistry:
    """The registry for Python code that runs beside Django: one person's view of one project.

    registry = HokusaiModelRegistry(project=project, user=user)
    baseline = registry.register_baseline("classifier", "runs:/…/model")
    """

    def __init__(self, *, project: Project, user: User) -> None:
        self.project, self.user, self.actor = project, user, actor_of(user)

    def register_baseline(
        self,
        model: str,
        source: str,
        *,
        training_data: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        **details: Any,
    ) -> ModelVersion:
        """Register a version that has no parent. Raises InvalidInput, ArtifactRefused."""
        return services.register_version(
            project=self.project,
            slug=model,
            source=source,
            actor=self.actor,
            training_data=training_data,
            tags=tags,
            **details,
        )

    def register_improved_model(
        self,
        baseline: ModelVersion,
        source: str,
        *,
        contributions: Sequence[str],
        training_data: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        **details: Any,
    ) -> ModelVersion:
        """Register a version made from a baseline's data and contributions (public ids)."""
        return services.register_version(
            project=self.project,
            slug=baseline.model.slug,
            source=source,
            actor=self.actor,
            parent=baseline,
            training_data=[*training_data, *contributions],
            tags=tags,
            **details,
        )

    def get_model_lineage(self, model_id: str, number: int | None = None) -> Graph:
        """All that led to a version, or came from it: the latest one unless a number is given.

        Raises NotFound for a model or version that is absent or hidden.
        """
        visible = Model.objects.visible_to(self.user).filter(model_id=model_id)
        versions = ModelVersion.objects.filter(model__in=visible)
        found = versions.filter(number=number) if number else versions.order_by("-number")
        version = found.first()
        if version is None:
            raise NotFound("There is no such model version.", model_id=model_id)
        return lineage_of(public_id=version.public_id, user=self.user)
