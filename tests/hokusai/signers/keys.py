"""Private keys of tests, and the places that keep them."""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hokusai.signers.algorithms.public_keys import PublicHalf, public_half

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
FILE = "hokusai.signers.backends.pem.FileKey"


def new_key(kind: str) -> PrivateKey:
    """A private key: ed25519, secp256k1 or p256."""
    if kind == "ed25519":
        return Ed25519PrivateKey.generate()
    return generate_private_key(SECP256K1() if kind == "secp256k1" else SECP256R1())


def pem_of(key: PrivateKey) -> str:
    """PKCS#8 in PEM."""
    form = PrivateFormat.PKCS8
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode("ascii")


def half_of(key: PrivateKey) -> PublicHalf:
    """What is published of a key."""
    return public_half(key.public_key())


def keep(path: Path, key: PrivateKey) -> dict[str, Any]:
    """Write a key to a file; the entry of SIGNERS that names it."""
    path.write_text(pem_of(key), encoding="ascii")
    return {"BACKEND": FILE, "OPTIONS": {"path": str(path)}}
