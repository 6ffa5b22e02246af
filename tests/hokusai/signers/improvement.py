"""A message for a chain that holds, to be broken by tests."""

from typing import Any

from eth_utils import keccak, to_checksum_address

from hokusai.signers.algorithms.eip712 import word_of
from hokusai.signers.algorithms.eip712_rules import in_order

ISSUED = 1_795_000_000
DEADLINE = ISSUED + 30 * 86_400


def account(number: int) -> str:
    """An address with its checksum; higher numbers have higher addresses."""
    return str(to_checksum_address(f"0x{number + 1:04x}" + keccak(text=str(number)).hex()[:36]))


PLACE = account(4096)


def with_weights(*points: int) -> list[dict[str, Any]]:
    """Contributors in order, each with its basis points."""
    return [{"account": account(n), "weightBps": value} for n, value in enumerate(points)]


def message(**changes: Any) -> dict[str, Any]:
    """An improvement of two people's data."""
    return {
        "attestationId": word_of("attestation"),
        "modelId": word_of("model"),
        "baselineDigest": word_of("baseline"),
        "candidateDigest": word_of("candidate"),
        "benchmarkDigest": word_of("benchmark"),
        "metric": word_of("accuracy"),
        "baselineScore": 871_250,
        "candidateScore": 889_500,
        "delta": 18_250,
        "scale": 1_000_000,
        "sampleCount": 4_000,
        "contributors": in_order([(account(1), 6_000), (account(0), 3_000), (account(0), 1_000)]),
        "issuedAt": ISSUED,
        "deadline": DEADLINE,
        **changes,
    }
