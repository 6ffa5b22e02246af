"""The private keys of one instance, made at the first start and kept, and their public halves."""

from pathlib import Path
from typing import TYPE_CHECKING

from hokusai.embedded.errors import EmbeddedError
from hokusai.embedded.folder import DataFolder, write_private

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve


def signing_key(folder: DataFolder) -> Path:
    """Return the path of this instance's Ed25519 key, made at the first call and kept."""
    return folder.secret_file("signing_key.pem", new_signing_key)


def log_key(folder: DataFolder) -> Path:
    """Return the path of this instance's Ed25519 key for the log, made at the first call, kept."""
    return folder.secret_file("log_key.pem", new_signing_key)


def chain_key(folder: DataFolder) -> Path:
    """Return the path of this instance's key on secp256k1, made at the first call and kept."""
    return folder.secret_file("chain_key.pem", new_chain_key)


def model_signing_key(folder: DataFolder) -> Path:
    """Return the path of this instance's P-256 key for models, made at the first call and kept."""
    return folder.secret_file("model_signing_key.pem", new_model_signing_key)


def published(folder: DataFolder, private_key: Path) -> Path:
    """Return a file with the key's public half first; those of former keys stay behind it.

    Raises:
        EmbeddedError: the private key cannot be read.
    """
    place = folder.root / "secrets" / "model_signing_key.pub"
    known = place.read_text(encoding="ascii") if place.exists() else ""
    public = public_half(private_key)
    if not known.startswith(public):
        write_private(place, public + known.replace(public, ""))
    return place


def new_signing_key() -> str:
    """Return a new Ed25519 private key, PKCS#8 in PEM."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def new_model_signing_key() -> str:
    """Return a new private key on P-256, PKCS#8 in PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return _new_on(ec.SECP256R1())


def new_chain_key() -> str:
    """Return a new private key on secp256k1, PKCS#8 in PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return _new_on(ec.SECP256K1())


def _new_on(curve: "EllipticCurve") -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return (
        ec.generate_private_key(curve)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def public_half(private_key: Path) -> str:
    """Return the public key of a private one, as PEM. Raises EmbeddedError."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(private_key.read_bytes(), None)
    except (OSError, TypeError, ValueError) as error:
        raise EmbeddedError(f"{private_key} holds no private key that can be read.") from error
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )
