"""Verify a Hokusai attestation without Hokusai: only the standard library and `cryptography`.

Usage: python verify_attestation.py ENVELOPE.json PUBLIC_KEY.pem [PUBLIC_KEY.pem ...]

Prints what was proven and exits with 0, or says what is wrong and exits with 1. The format is
described by docs/attestation/schemas/. It knows nothing of the log; verify_hokusai.py does.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPES = (
    "urn:hokusai:attestation:model-improvement:v1",
    "urn:hokusai:attestation:model-improvement:v2",
)
MAX_INTEGER = 2**53 - 1
MAX_DIGITS = 17
WHOLE_BPS = 10_000


class Rejected(Exception):
    """The attestation proves nothing."""


def reject(text: str) -> NoReturn:
    raise Rejected(f"not allowed in an attestation: {text[:40]}")


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise Rejected("a key is given twice")
    return dict(pairs)


def parse_integer(text: str) -> int:
    return int(text) if len(text) <= MAX_DIGITS and abs(int(text)) <= MAX_INTEGER else reject(text)


def parse(data: bytes, what: str) -> Any:
    """Parse JSON that is written in its only allowed form (RFC 8785; keys are ASCII here)."""
    value = json.loads(
        data.decode("utf-8"),
        object_pairs_hook=unique_keys,
        parse_float=reject,
        parse_constant=reject,
        parse_int=parse_integer,
    )
    form = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if form.encode("utf-8") != data:
        raise Rejected(f"the {what} is not in canonical form")
    return value


def decode(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise Rejected("base64 in another spelling")
    return data


def load_keys(pems: list[bytes]) -> dict[str, Ed25519PublicKey]:
    """Return the keys by id, the SHA-256 of SubjectPublicKeyInfo in DER."""
    keys = {}
    for pem in pems:
        key = load_pem_public_key(pem)
        if not isinstance(key, Ed25519PublicKey):
            raise Rejected("the public key is not an Ed25519 key")
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        keys[hashlib.sha256(der).hexdigest()] = key
    return keys


def open_envelope(data: bytes, keys: dict[str, Ed25519PublicKey]) -> bytes:
    """Return the payload of a DSSE envelope whose every signature holds."""
    envelope = parse(data, "envelope")
    if set(envelope) != {"payload", "payloadType", "signatures"} or not envelope["signatures"]:
        raise Rejected("the envelope has other fields than it should, or no signature")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise Rejected("the payload type is another one")
    payload = decode(envelope["payload"])
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    for signature in envelope["signatures"]:
        if set(signature) != {"keyid", "sig"} or signature["keyid"] not in keys:
            raise Rejected("a signature was made by another key")
        keys[signature["keyid"]].verify(decode(signature["sig"]), signed)
    return payload


def check(statement: dict[str, Any]) -> dict[str, Any]:
    """Repeat the arithmetic and return the primary metric."""
    known = statement["_type"] == STATEMENT_TYPE
    if not known or statement["predicateType"] not in PREDICATE_TYPES:
        raise Rejected("the statement is about something else")
    predicate = statement["predicate"]
    for metric in predicate["metrics"]:
        sign = {"higher": 1, "lower": -1}[metric["direction"]]
        if metric["delta"] != sign * (metric["candidate"] - metric["baseline"]):
            raise Rejected(f"{metric['name']}: delta is not the difference of the scores")
    shares = [item["weightBps"] for item in predicate["contributions"]]
    # Nobody need be credited with a gain of which nothing is payable.
    nobody = predicate["attribution"].get("payable") is False and not any(shares)
    if not nobody and sum(shares) != WHOLE_BPS:
        raise Rejected("the shares do not sum to 10,000 basis points")
    primary: dict[str, Any]
    (primary,) = (metric for metric in predicate["metrics"] if metric["primary"])
    decision = predicate["decision"]
    if decision["accepted"] and primary["interval"]["low"] < decision["policy"]["margin"]:
        raise Rejected("accepted, but the interval does not exceed the margin")
    return primary


def report(payload: bytes, statement: dict[str, Any], primary: dict[str, Any]) -> str:
    predicate, subject = statement["predicate"], statement["subject"][0]
    issuer, decision = predicate["issuer"], predicate["decision"]
    low, high = primary["interval"]["low"] / 1e6, primary["interval"]["high"] / 1e6
    attempt = predicate["evaluation"]["attempt"]
    number = attempt["number"] if isinstance(attempt, dict) else attempt
    lines = [
        f"VALID      attestation {hashlib.sha256(payload).hexdigest()}",
        f"issued     {predicate['issuedOn']} by {issuer['instance']} ({issuer['environment']})",
        f"candidate  {subject['name']}  {subject['uri']}  sha256:{subject['digest']['sha256']}",
        f"baseline   {predicate['baseline']['uri']}"
        f"  sha256:{predicate['baseline']['digest']['sha256']}",
        f"benchmark  {predicate['benchmark']['id']}, {predicate['benchmark']['sampleCount']} rows",
        f"gain       {primary['name']} {primary['delta'] / 1e6:+.6f}, between {low:+.6f} and"
        f" {high:+.6f} ({primary['direction']} is better)",
        f"decision   {decision['reason']} at attempt {number}",
    ]
    if "expiresOn" in predicate:
        lines.insert(2, f"expires    {predicate['expiresOn']}")
    lines += [
        f"share      {item['weightBps'] / 100:.2f} %  {item['contributor']}  {item['rows']} rows"
        for item in predicate["contributions"]
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    try:
        envelope, pem, *more = [Path(argument).read_bytes() for argument in arguments]
    except (OSError, ValueError) as error:
        print(f"{__doc__}\n{error}", file=sys.stderr)
        return 1
    try:
        payload = open_envelope(envelope, load_keys([pem, *more]))
        statement = parse(payload, "statement")
        print(report(payload, statement, check(statement)))
    except InvalidSignature:
        print("INVALID: a signature does not hold")
        return 1
    except (Rejected, ValueError, LookupError, TypeError, RecursionError) as error:
        print(f"INVALID: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
