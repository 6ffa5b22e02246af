"""Tokens of another service on the fast way."""

from typing import Final

from hokusai.web.callers import Caller, Counted
from hokusai.web.external import shared
from hokusai.web.external.directory import Directory, Known
from hokusai.web.external.shared import EPOCH_KEY
from hokusai.web.gate import Admission, Gate

STALE_HEADER: Final = "Hokusai-Identity"
STALE_VALUE: Final = "stale"


def admit(
    gate: Gate,
    directory: Directory,
    token: str,
    *,
    address: str,
    watched: str,
    counted: Counted | None,
) -> tuple[Admission, bool] | None:
    """Count one request of a token, and whether only the service's silence keeps it in force.

    None for a token that is not valid. What memory keeps costs no question to Redis of its own:
    the script that counts reads the epoch along, and another one sends for the identity again.
    Raises IdentityUnknown, TooManyRequests.
    """
    known = directory.identify(token, address, look_up=False)
    if known is None:
        return None
    admission = _counted(gate, directory, known, watched, counted)
    if admission.counted and shared.epoch_of(admission.external_epoch) != known.identity.epoch:
        known = directory.identify(token, address)
        if known is None:
            return None
        admission = _counted(gate, directory, known, watched, counted)
    return admission, known.stale


def _counted(
    gate: Gate, directory: Directory, known: Known, watched: str, counted: Counted | None
) -> Admission:
    identity = known.identity
    caller = Caller(
        key_id=identity.public_id,
        project_id=identity.project_id,
        scopes=identity.scopes,
        rate_per_minute=directory.policy.rate_per_minute,
        expires_at=identity.expires_at,
        model_ids=identity.model_ids,
        source="external",
    )
    return gate.count(caller, watched, counted, EPOCH_KEY)
