from contributions.admin.attestations import AttestationAdmin
from contributions.admin.gifts import ContributionAdmin, ContributorAdmin
from contributions.admin.impact import ImpactTotalAdmin
from contributions.admin.improvements import ImprovementAdmin
from contributions.admin.signing_policies import SigningPolicyAdmin

__all__ = [
    "AttestationAdmin",
    "ContributionAdmin",
    "ContributorAdmin",
    "ImpactTotalAdmin",
    "ImprovementAdmin",
    "SigningPolicyAdmin",
]
