from typing import Self

from deployments.choices import KEPT, DeploymentStatus, RevisionStatus
from hokusai.accounts.querysets import ScopedQuerySet


class DeploymentQuerySet(ScopedQuerySet):
    project_path = "model__project"

    def active(self) -> Self:
        return self.filter(status=DeploymentStatus.ACTIVE)


class RevisionQuerySet(ScopedQuerySet):
    project_path = "deployment__model__project"

    def live(self) -> Self:
        return self.filter(status=RevisionStatus.LIVE)

    def standby(self) -> Self:
        """Kept for a roll-back."""
        return self.filter(status=RevisionStatus.STANDBY)

    def kept(self) -> Self:
        """Those whose process is to be there, or to come back when it is asked."""
        return self.filter(status__in=KEPT)


class BatchQuerySet(ScopedQuerySet):
    project_path = "version__project"
