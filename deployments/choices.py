from django.db import models


class DeploymentStatus(models.TextChoices):
    """Whether a place is meant to serve."""

    ACTIVE = "active"
    STOPPED = "stopped"

    @property
    def successors(self) -> frozenset["DeploymentStatus"]:
        return frozenset(set(DeploymentStatus) - {self})


class RevisionStatus(models.TextChoices):
    PENDING = "pending"
    STARTING = "starting"
    LIVE = "live"
    RETIRED = "retired"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["RevisionStatus"]:
        return _SUCCESSORS[self]


_SUCCESSORS = {
    RevisionStatus.PENDING: frozenset(
        {RevisionStatus.STARTING, RevisionStatus.FAILED, RevisionStatus.RETIRED}
    ),
    RevisionStatus.STARTING: frozenset(
        {
            RevisionStatus.STARTING,
            RevisionStatus.LIVE,
            RevisionStatus.FAILED,
            RevisionStatus.RETIRED,
        }
    ),
    RevisionStatus.LIVE: frozenset({RevisionStatus.RETIRED, RevisionStatus.FAILED}),
    RevisionStatus.RETIRED: frozenset(),
    RevisionStatus.FAILED: frozenset({RevisionStatus.STARTING}),
}
