from typing import Self

from deployments.choices import DeploymentStatus, RevisionStatus
from hokusai.accounts.querysets import ScopedQuerySet


class DeploymentQuerySet(ScopedQuerySet):
    project_path = "model__project"

    def active(self) -> Self:
        return self.filter(status=DeploymentStatus.ACTIVE)


class RevisionQuerySet(ScopedQuerySet):
    project_path = "deployment__model__project"

    def live(self) -> Self:
        return self.filter(status=RevisionStatus.LIVE)


class BatchQuerySet(ScopedQuerySet):
    project_path = "version__project"
