"""Keys for the signer's process of a test: files that the setting SIGNERS names."""

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

FILE_KEY = "hokusai.signers.backends.pem.FileKey"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
CHAIN = ec.derive_private_key(20261120, ec.SECP256K1())

Private = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def public_pem(key: Private) -> str:
    """The public half, as PEM."""
    made = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made.decode()


def key_file(folder: Path, name: str, key: Private) -> Path:
    """The key in a file that its owner alone reads."""
    path = folder / f"{name}.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


def signers(folder: Path, **keys: Private) -> dict[str, Any]:
    """The setting SIGNERS of a process that holds keys by purpose."""
    return {
        purpose: {
            "BACKEND": FILE_KEY,
            "OPTIONS": {"path": str(key_file(folder, purpose, key))},
        }
        for purpose, key in keys.items()
    }
