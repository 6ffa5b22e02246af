"""Dead Simple Signing Envelopes (DSSE v1) with Ed25519, in one canonical form.

securesystemslib makes and verifies them; what is accepted passes `open_envelope` too, which is
stricter than the specification, so that no byte of an envelope can change unnoticed: the envelope
and its payload are canonical JSON, base64 has one spelling, a key id is the digest of its key, and
every signature must be valid under one of the given keys.
"""

import base64
import binascii
import copy
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import (
    Key,
    SecretsHandler,
    Signature,
    Signer,
    SSlibKey,
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


class KeyHolder(Protocol):
    """Whatever signs bytes with one Ed25519 key, in this process or in a key service."""

    @property
    def key_id(self) -> str:
        """SHA-256 of the key's SubjectPublicKeyInfo in DER, in hexadecimal."""

    def sign(self, data: bytes) -> bytes:
        """The 64 bytes of the signature."""


@dataclass(frozen=True, slots=True)
class LocalKey:
    """A private key in memory."""

    private: Ed25519PrivateKey

    @property
    def key_id(self) -> str:
        return key_id(self.private.public_key())

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


class _Signing(Signer):
    """A key holder as securesystemslib asks for one."""

    def __init__(self, holder: KeyHolder) -> None:
        self.holder = holder

    @property
    def public_key(self) -> Key:
        raise NotImplementedError("An envelope names its keys, it does not hold them.")

    @classmethod
    def from_priv_key_uri(
        cls,
        priv_key_uri: str,
        public_key: Key,
        secrets_handler: SecretsHandler | None = None,
    ) -> "Signer":
        raise NotImplementedError("Keys are named by settings, not by a URI.")

    def sign(self, payload: bytes) -> Signature:
        return Signature(self.holder.key_id, self.holder.sign(payload).hex())


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSEv1, type and payload, each with its length."""
    encoded: bytes = Envelope(payload, payload_type, {}).pae()
    return encoded


def sign(payload: bytes, *keys: KeyHolder | Ed25519PrivateKey) -> dict[str, Any]:
    """Return the envelope of canonical JSON bytes with a signature by each of the keys.

    Raises:
        EnvelopeError: a key is given twice.
        CanonicalError: the payload is not canonical JSON.
    """
    holders = [LocalKey(key) if isinstance(key, Ed25519PrivateKey) else key for key in keys]
    return envelope_of(payload, [signature_by(payload, holder) for holder in holders])


def signature_by(payload: bytes, key: KeyHolder) -> tuple[str, str]:
    """Sign canonical JSON bytes: the key's id, and the signature in base64. Raises as `sign`."""
    parse_canonical(payload)
    made = Envelope(payload, PAYLOAD_TYPE, {}).sign(_Signing(key))
    return made.keyid, base64.b64encode(bytes.fromhex(made.signature)).decode("ascii")


def envelope_of(payload: bytes, signatures: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the envelope that holds signatures made before, as pairs of key id and base64.

    Raises EnvelopeError where a key has signed twice, or a signature is no base64.
    """
    made: dict[str, Signature] = {}
    for own_id, signature in signatures:
        if own_id in made:
            raise EnvelopeError("This key has signed already.")
        made[own_id] = Signature(own_id, _decode_base64(signature).hex())
    envelope: dict[str, Any] = Envelope(payload, PAYLOAD_TYPE, made).to_dict()
    return envelope


def verify_with_library(
    envelope: dict[str, Any], public_keys: Iterable[Ed25519PublicKey], threshold: int = 1
) -> frozenset[str]:
    """The ids of `threshold` keys whose signatures securesystemslib holds for good.

    Raises EnvelopeError where there are fewer.
    """
    keys = [SSlibKey.from_crypto(key, keyid=key_id(key)) for key in public_keys]
    try:
        found = Envelope.from_dict(copy.deepcopy(envelope)).verify(list(keys), threshold)
    except (VerificationError, KeyError, ValueError) as error:
        raise EnvelopeError(f"Not enough signatures hold: {error}") from error
    return frozenset(found)


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
