"""Public keys as they are published: PEM, the id that names them, the address of those on a chain.

The id is the sha256 of the SubjectPublicKeyInfo in DER, in hexadecimal, for every algorithm.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from hokusai.signers.algorithms.secp256k1 import address_of

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey
ED25519: Final = "ed25519"
SECP256K1: Final = "secp256k1"
P256: Final = "p256"
_CURVES: Final = {"secp256k1": SECP256K1, "secp256r1": P256}


class KeyInvalid(ValueError):
    """The bytes are no key of a kind that signs here."""


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """What everybody may know of a key; `address` is "" except on secp256k1."""

    key_id: str
    algorithm: str
    public_pem: str
    address: str = ""


def read_pem(pem: str | bytes) -> PublicHalf:
    """Return the public half that PEM holds. Raises KeyInvalid."""
    data = pem.encode("utf-8") if isinstance(pem, str) else pem
    try:
        return public_half(load_pem_public_key(data))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid("The public key is not PEM of a known kind.") from error


def read_der(der: bytes) -> PublicHalf:
    """Return the public half that a SubjectPublicKeyInfo holds. Raises KeyInvalid."""
    try:
        return public_half(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyInvalid("The public key is not DER of a known kind.") from error


def public_half(key: object) -> PublicHalf:
    """Return what is published of a public key. Raises KeyInvalid for a kind not used here."""
    if isinstance(key, Ed25519PublicKey):
        return _half(key, ED25519)
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        algorithm = _CURVES[key.curve.name]
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _half(key, algorithm, address_of(point) if algorithm == SECP256K1 else "")
    raise KeyInvalid("The key is of another kind than Ed25519, secp256k1 or P-256.")


def _half(key: PublicKey, algorithm: str, address: str = "") -> PublicHalf:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    return PublicHalf(sha256(der).hexdigest(), algorithm, pem, address)
