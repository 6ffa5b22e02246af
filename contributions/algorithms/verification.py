"""Checking an attestation from nothing but its envelope and public keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contributions.algorithms.statement_rules import validate_statement
from hokusai.core.canonical import parse_canonical, sha256_hex
from hokusai.signers.algorithms.dsse import load_public_key, open_envelope


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """A statement that was signed, is well formed, and whose sums hold.

    `delta` is the primary metric's gain in millionths, positive when better; `shares` are basis
    points by contribution id, which sum to 10,000.
    """

    id: str
    statement: dict[str, Any]
    key_ids: tuple[str, ...]
    candidate_digest: str
    baseline_digest: str
    metric: str
    delta: int
    accepted: bool
    shares: dict[str, int]


def verify_attestation(
    envelope_bytes: bytes, public_key_pem_list: Iterable[str | bytes]
) -> VerifiedAttestation:
    """Verify every signature, the form of the statement and its arithmetic.

    Raises:
        EnvelopeError: the envelope, a signature or a key is not good.
        StatementError: the statement is malformed or contradicts itself.
    """
    keys = [load_public_key(pem) for pem in public_key_pem_list]
    opened = open_envelope(envelope_bytes, keys)
    statement = parse_canonical(opened.payload)
    validate_statement(statement)
    predicate = statement["predicate"]
    primary = next(metric for metric in predicate["metrics"] if metric["primary"])
    return VerifiedAttestation(
        id=sha256_hex(opened.payload),
        statement=statement,
        key_ids=opened.key_ids,
        candidate_digest=statement["subject"][0]["digest"]["sha256"],
        baseline_digest=predicate["baseline"]["digest"]["sha256"],
        metric=primary["name"],
        delta=primary["delta"],
        accepted=predicate["decision"]["accepted"],
        shares={item["id"]: item["weightBps"] for item in predicate["contributions"]},
    )
