from contributions.admin.attestations import AttestationAdmin, SigningKeyAdmin
from contributions.admin.gifts import ContributionAdmin, ContributorAdmin
from contributions.admin.improvements import ImprovementAdmin

__all__ = [
    "AttestationAdmin",
    "ContributionAdmin",
    "ContributorAdmin",
    "ImprovementAdmin",
    "SigningKeyAdmin",
]
