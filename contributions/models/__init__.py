from contributions.models.attestations import (
    Attestation,
    AttestationSignature,
    Revocation,
    SigningPolicy,
    StatusList,
)
from contributions.models.contributions import Contribution, Contributor, Wallet
from contributions.models.impact import ImpactDay, ImpactTotal
from contributions.models.improvements import Attribution, CoalitionBatch, Improvement, Share

__all__ = [
    "Attestation",
    "AttestationSignature",
    "Attribution",
    "CoalitionBatch",
    "Contribution",
    "Contributor",
    "ImpactDay",
    "ImpactTotal",
    "Improvement",
    "Revocation",
    "Share",
    "SigningPolicy",
    "StatusList",
    "Wallet",
]
