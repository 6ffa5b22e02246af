from django.db import models


class ContributionStatus(models.TextChoices):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    USED = "used"
    WITHDRAWN = "withdrawn"

    @property
    def successors(self) -> frozenset["ContributionStatus"]:
        return _SUCCESSORS[self]


_SUCCESSORS = {
    ContributionStatus.RECEIVED: frozenset(
        {ContributionStatus.ACCEPTED, ContributionStatus.REFUSED, ContributionStatus.WITHDRAWN}
    ),
    ContributionStatus.ACCEPTED: frozenset({ContributionStatus.USED, ContributionStatus.WITHDRAWN}),
    ContributionStatus.REFUSED: frozenset(),
    ContributionStatus.USED: frozenset(),
    ContributionStatus.WITHDRAWN: frozenset(),
}


class Licence(models.TextChoices):
    """SPDX identifiers under which data may be given."""

    CC0 = "CC0-1.0", "CC0 1.0 (public domain)"
    CC_BY = "CC-BY-4.0", "CC BY 4.0"
    CC_BY_SA = "CC-BY-SA-4.0", "CC BY-SA 4.0"
    ODBL = "ODbL-1.0", "ODbL 1.0"
    MIT = "MIT", "MIT"


class AttestationStatus(models.TextChoices):
    PENDING = "pending"
    SIGNED = "signed"
    REVOKED = "revoked"


class AttributionStatus(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"

    @property
    def successors(self) -> frozenset["AttributionStatus"]:
        if self == AttributionStatus.DONE:
            return frozenset()
        return frozenset(AttributionStatus) - {self}
