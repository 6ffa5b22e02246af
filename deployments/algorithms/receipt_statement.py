"""The statement of a receipt: which bytes answered which input with which output, and when.

An in-toto statement of integers and texts. Who asked is a commitment: HMAC-SHA256 of the caller's
public id under a salt that only the project is shown.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:hokusai:attestation:prediction:v1"
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a receipt states. Digests of input and output stand behind their form and a colon."""

    receipt: str
    instance: str
    environment: str
    project: str
    deployment: str
    revision: str
    model_id: str
    version: int
    digest: str
    converted_digest: str
    isolation: str
    request_id: str
    principal_commitment: str
    input_digest: str
    output_digest: str
    predicted_at: datetime


def statement(facts: Facts) -> dict[str, Any]:
    """The in-toto statement; its subject is the model's bytes."""
    predicate = {
        "receipt": facts.receipt,
        "issuer": {"instance": facts.instance, "environment": facts.environment},
        "project": facts.project,
        "modelId": facts.model_id,
        "version": facts.version,
        "deployment": facts.deployment,
        "revision": facts.revision,
        "isolationTier": facts.isolation or "unknown",
        "requestId": facts.request_id,
        "principalCommitment": facts.principal_commitment,
        "input": _digest(facts.input_digest),
        "output": _digest(facts.output_digest),
        "predictedOn": facts.predicted_at.astimezone(UTC).strftime(TIME_FORMAT),
    }
    if facts.converted_digest:
        predicate["executed"] = {"format": "onnx", "sha256": facts.converted_digest}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": f"{facts.model_id}/{facts.version}", "digest": {"sha256": facts.digest}}
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def commitment(salt: bytes, principal: str) -> str:
    """What a receipt says of who asked: nothing, to whoever has no salt."""
    return hmac.digest(salt, principal.encode(), "sha256").hex()


def _digest(stated: str) -> dict[str, str]:
    form, _, digest = stated.rpartition(":")
    return {"form": form, "sha256": digest}
