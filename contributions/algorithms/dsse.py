"""Dead Simple Signing Envelopes (DSSE v1) with Ed25519, in one canonical form.

Stricter than the specification, so that no byte of an envelope can change unnoticed: the envelope
and its payload are canonical JSON, base64 has one spelling, a key id is the digest of its key, and
every signature must be valid under one of the given keys.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from hokusai.core.canonical import CanonicalError, canonical_bytes, parse_canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024
MAX_SIGNATURES = 16


class EnvelopeError(ValueError):
    """The envelope is malformed, or a signature in it does not hold."""


@dataclass(frozen=True, slots=True)
class OpenedEnvelope:
    """The signed bytes and the ids of the keys that signed them, in the envelope's order."""

    payload: bytes
    key_ids: tuple[str, ...]


def key_id(public_key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the key's SubjectPublicKeyInfo in DER, in hexadecimal."""
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSEv1, type and payload, each with its length."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(
    payload: bytes, private_key: Ed25519PrivateKey, keyid: str | None = None
) -> dict[str, Any]:
    """Return the envelope of canonical JSON bytes.

    Raises:
        EnvelopeError: `keyid` is given and is not the id of this key.
        CanonicalError: the payload is not canonical JSON.
    """
    parse_canonical(payload)
    envelope = {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [],
    }
    return add_signature(envelope, private_key, keyid)


def add_signature(
    envelope: dict[str, Any], private_key: Ed25519PrivateKey, keyid: str | None = None
) -> dict[str, Any]:
    """Return the envelope with one more signature, as keys overlap. Raises EnvelopeError."""
    own_id = key_id(private_key.public_key())
    if keyid is not None and keyid != own_id:
        raise EnvelopeError("The key id does not belong to the key.")
    if any(entry["keyid"] == own_id for entry in envelope["signatures"]):
        raise EnvelopeError("This key has signed already.")
    payload = _decode_base64(envelope["payload"])
    signature = private_key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    entry = {"keyid": own_id, "sig": base64.b64encode(signature).decode("ascii")}
    return envelope | {"signatures": [*envelope["signatures"], entry]}


def encode_envelope(envelope: dict[str, Any]) -> bytes:
    """Return the one form of the envelope that `verify` accepts. Raises CanonicalError."""
    return canonical_bytes(envelope)


def verify(envelope_bytes: bytes, public_keys: Iterable[Ed25519PublicKey]) -> bytes:
    """Return the payload of an envelope whose every signature holds. Raises EnvelopeError."""
    return open_envelope(envelope_bytes, public_keys).payload


def open_envelope(envelope_bytes: bytes, public_keys: Iterable[Ed25519PublicKey]) -> OpenedEnvelope:
    """Return payload and signers.

    Raises:
        EnvelopeError: too large; not canonical JSON; unknown, missing or repeated fields; another
            payload type; base64 in another spelling; no signature, one of an unknown key or one
            that does not hold; a payload that is not canonical JSON.
    """
    envelope = _parse_envelope(envelope_bytes)
    payload = _decode_base64(envelope["payload"])
    signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
    keys = {key_id(key): key for key in public_keys}
    for entry in envelope["signatures"]:
        _check_signature(entry, signed, keys)
    key_ids = tuple(entry["keyid"] for entry in envelope["signatures"])
    if len(set(key_ids)) != len(key_ids):
        raise EnvelopeError("A key has signed twice.")
    try:
        parse_canonical(payload)
    except CanonicalError as error:
        raise EnvelopeError(f"The payload is not canonical JSON: {error}") from error
    return OpenedEnvelope(payload, key_ids)


def load_public_key(pem: str | bytes) -> Ed25519PublicKey:
    """Read an Ed25519 public key in PEM. Raises EnvelopeError."""
    data = pem.encode("utf-8") if isinstance(pem, str) else pem
    try:
        key = load_pem_public_key(data)
    except ValueError as error:
        raise EnvelopeError("The public key is not PEM.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise EnvelopeError("The public key is not an Ed25519 key.")
    return key


def _parse_envelope(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_ENVELOPE_BYTES:
        raise EnvelopeError("The envelope is too large.")
    try:
        envelope = parse_canonical(data)
    except CanonicalError as error:
        raise EnvelopeError(f"The envelope is not canonical JSON: {error}") from error
    if not isinstance(envelope, dict) or envelope.keys() != {
        "payload",
        "payloadType",
        "signatures",
    }:
        raise EnvelopeError("An envelope has exactly payload, payloadType and signatures.")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise EnvelopeError("The payload type is another one.")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise EnvelopeError(f"An envelope has 1 to {MAX_SIGNATURES} signatures.")
    return envelope


def _check_signature(entry: Any, signed: bytes, keys: dict[str, Ed25519PublicKey]) -> None:
    if not isinstance(entry, dict) or entry.keys() != {"keyid", "sig"}:
        raise EnvelopeError("A signature has exactly keyid and sig.")
    if not isinstance(entry["keyid"], str) or entry["keyid"] not in keys:
        raise EnvelopeError("A signature was made by a key that is not known.")
    try:
        keys[entry["keyid"]].verify(_decode_base64(entry["sig"]), signed)
    except InvalidSignature as error:
        raise EnvelopeError("A signature does not hold.") from error


def _decode_base64(text: Any) -> bytes:
    if not isinstance(text, str):
        raise EnvelopeError("Base64 is text.")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise EnvelopeError("The text is not base64.") from error
    # Unused bits at the end would let two texts stand for the same bytes.
    if base64.b64encode(data).decode("ascii") != text:
        raise EnvelopeError("The base64 is not in its one spelling.")
    return data
