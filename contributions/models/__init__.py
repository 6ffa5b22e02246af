from contributions.models.attestations import (
    Attestation,
    AttestationSignature,
    Revocation,
    SigningKey,
    SigningPolicy,
    StatusList,
)
from contributions.models.contributions import Contribution, Contributor, Wallet
from contributions.models.impact import ImpactDay
from contributions.models.improvements import Attribution, CoalitionBatch, Improvement, Share

__all__ = [
    "Attestation",
    "AttestationSignature",
    "Attribution",
    "CoalitionBatch",
    "Contribution",
    "Contributor",
    "ImpactDay",
    "Improvement",
    "Revocation",
    "Share",
    "SigningKey",
    "SigningPolicy",
    "StatusList",
    "Wallet",
]
