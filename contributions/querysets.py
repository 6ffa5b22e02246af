from typing import Self

from contributions.choices import ContributionStatus
from hokusai.accounts.querysets import ScopedQuerySet


class ContributionQuerySet(ScopedQuerySet):
    def with_names(self) -> Self:
        """With what a list shows, in one query."""
        return self.select_related(
            "project", "model", "wallet__contributor", "dataset_version", "submitted_by"
        )

    def trainable(self) -> Self:
        """Contributions that a version may be made from."""
        return self.filter(status__in=(ContributionStatus.ACCEPTED, ContributionStatus.USED))


class ImprovementQuerySet(ScopedQuerySet):
    project_path = "model__project"

    def with_names(self) -> Self:
        """With what a list shows, in one query."""
        return self.select_related(
            "model__project", "comparison__benchmark", "baseline__model", "candidate__model"
        )


class OfImprovementQuerySet(ScopedQuerySet):
    project_path = "improvement__model__project"


class AttributionQuerySet(OfImprovementQuerySet):
    """Attributions; scoped are those that decide, the others are reached through them."""

    def with_names(self) -> Self:
        """With what a worker and a page need of the improvement, in one query."""
        parts = ("comparison__benchmark__project", "model__project", "baseline", "candidate")
        roots = ("improvement", "alternative_to__improvement")
        paths = [f"{root}__{part}" for root in roots for part in parts]
        return self.select_related(*paths)


class OfAttestationQuerySet(ScopedQuerySet):
    project_path = "attestation__improvement__model__project"


class ImpactQuerySet(ScopedQuerySet):
    """Sums of credit, by project."""
