"""The domain that this instance's signatures for a chain are bound to."""

import hashlib

from django.conf import settings

from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms.eip712_rules import Domain


def chain_domain() -> Domain:
    """The contract that the settings name; without one, a salt of instance and environment.

    The salt keeps what one instance signed, as a demonstration, from proving anything in another.
    """
    if settings.CHAIN_CONTRACT:
        return Domain(settings.CHAIN_ID, verifying_contract=settings.CHAIN_CONTRACT)
    named = {"environment": settings.ENVIRONMENT_NAME, "instance": settings.INSTANCE_NAME}
    return Domain(settings.CHAIN_ID, salt=f"0x{hashlib.sha256(canonical_bytes(named)).hexdigest()}")
