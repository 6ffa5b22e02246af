"""A statement's numbers as a contract reads them: the message of its EIP-712 signature."""

from collections.abc import Mapping
from typing import Any

from contributions.algorithms.improvement_rules import ACCOUNT_PREFIX, check_time
from contributions.algorithms.statement_rules import statement_id
from hokusai.signers.algorithms.eip712 import word_of
from hokusai.signers.algorithms.eip712_rules import in_order

MODELS = "hokusai://models/"


def message_of(statement: Mapping[str, Any]) -> dict[str, Any] | None:
    """The message of a statement of version 2; None where nobody is credited.

    `attestationId` is the statement's digest, `modelId` and `metric` are keccak of their names;
    contributors come by address, each once, and sum to 10,000 basis points.
    """
    predicate = statement["predicate"]
    subject = statement["subject"][0]
    primary = next(metric for metric in predicate["metrics"] if metric["primary"])
    contributors = in_order(
        (item["contributor"].removeprefix(ACCOUNT_PREFIX), item["weightBps"])
        for item in predicate["contributions"]
    )
    if not contributors:
        return None
    return {
        "attestationId": f"0x{statement_id(statement)}",
        "modelId": word_of(subject["uri"].removeprefix(MODELS).partition("/")[0]),
        "baselineDigest": _word(predicate["baseline"]["digest"]),
        "candidateDigest": _word(subject["digest"]),
        "benchmarkDigest": _word(predicate["benchmark"]["specDigest"]),
        "metric": word_of(primary["name"]),
        "baselineScore": primary["baseline"],
        "candidateScore": primary["candidate"],
        "delta": primary["delta"],
        "scale": primary["scale"],
        "sampleCount": predicate["evaluation"]["rows"],
        "contributors": contributors,
        "issuedAt": int(check_time(predicate["issuedOn"]).timestamp()),
        "deadline": int(check_time(predicate["expiresOn"]).timestamp()),
    }


def _word(digest: Mapping[str, str]) -> str:
    return f"0x{digest['sha256']}"
