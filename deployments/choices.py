from django.db import models


class DeploymentStatus(models.TextChoices):
    """Whether a place is meant to serve."""

    ACTIVE = "active"
    STOPPED = "stopped"

    @property
    def successors(self) -> frozenset["DeploymentStatus"]:
        return frozenset(set(DeploymentStatus) - {self})


class Environment(models.TextChoices):
    """How much depends on what a place answers."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class RevisionStatus(models.TextChoices):
    PENDING = "pending"
    STARTING = "starting"
    LIVE = "live"
    # Was live before the present one, and is kept so that a roll-back is one transaction.
    STANDBY = "standby"
    RETIRED = "retired"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["RevisionStatus"]:
        return _SUCCESSORS[self]


# Whose process is to be there, or to come back when it is asked.
KEPT = (RevisionStatus.LIVE, RevisionStatus.STANDBY)
# On their way to being live.
OPEN = (RevisionStatus.PENDING, RevisionStatus.STARTING)

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
    RevisionStatus.LIVE: frozenset(
        {RevisionStatus.STANDBY, RevisionStatus.RETIRED, RevisionStatus.FAILED}
    ),
    # Starting for the length of a roll-back's transaction, in which another takes its place.
    RevisionStatus.STANDBY: frozenset(
        {RevisionStatus.STARTING, RevisionStatus.RETIRED, RevisionStatus.FAILED}
    ),
    RevisionStatus.RETIRED: frozenset(),
    RevisionStatus.FAILED: frozenset({RevisionStatus.STARTING}),
}
