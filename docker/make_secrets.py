"""Makes the files that compose.yml hands to its services as secrets; what exists is kept.

python docker/make_secrets.py FOLDER
"""

import argparse
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RANDOM = (
    "secret_key",
    "api_key_pepper",
    "postgres_password",
    "owner_password",
    "app_password",
    "mlflow_password",
    "redis_password",
    "minio_password",
    "store_url_secret",
)
DATABASE = "postgres:5432"
# Each service reads them as a user of its own; the folder keeps everybody else out.
READABLE = 0o444
PRIVATE_FOLDER = 0o700


def main() -> None:
    """Read the command line and write what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="made with mode 0700 where it is absent")
    folder: Path = parser.parse_args().folder
    made = make_secrets(folder)
    sys.stdout.write(f"Made in {folder}: {', '.join(made) or 'nothing, all were there'}.\n")


def make_secrets(folder: Path) -> list[str]:
    """Write every secret that `folder` lacks and return their names."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)
    made: list[str] = []

    def ensure(name: str, make: Callable[[], str]) -> str:
        path = folder / name
        if not path.exists():
            _write(path, make())
            made.append(name)
        return path.read_text(encoding="ascii")

    values = {name: ensure(name, lambda: secrets.token_urlsafe(48)) for name in RANDOM}
    for name, url in _urls(values).items():
        ensure(name, lambda url=url: url)  # type: ignore[misc]
    ensure("signing_key.pem", new_signing_key)
    ensure("log_key.pem", new_signing_key)
    ensure("chain_key.pem", new_chain_key)
    private = ensure("model_signing_key.pem", new_model_signing_key)
    ensure("model_signing_key.pub", lambda: public_half(private))
    return made


def new_signing_key() -> str:
    """Return a new Ed25519 private key, PKCS#8 in PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def new_model_signing_key() -> str:
    """Return a new private key on P-256, PKCS#8 in PEM."""
    return _new_on(ec.SECP256R1())


def new_chain_key() -> str:
    """Return a new private key on secp256k1, PKCS#8 in PEM."""
    return _new_on(ec.SECP256K1())


def _new_on(curve: ec.EllipticCurve) -> str:
    return (
        ec.generate_private_key(curve)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def public_half(private_pem: str) -> str:
    """Return the public key of a private one, as PEM."""
    key = serialization.load_pem_private_key(private_pem.encode("ascii"), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def _urls(values: dict[str, str]) -> dict[str, str]:
    """Return the addresses that hold a password; host names are those of compose.yml."""
    owner, app, mlflow, redis = (
        values[f"{name}_password"] for name in ("owner", "app", "mlflow", "redis")
    )
    return {
        "database_url": f"postgresql://hokusai_app:{app}@{DATABASE}/hokusai",
        "database_owner_url": f"postgresql://hokusai_owner:{owner}@{DATABASE}/hokusai",
        "mlflow_backend_url": f"postgresql+psycopg://hokusai_mlflow:{mlflow}@{DATABASE}/mlflow",
        "redis_url": f"redis://:{redis}@redis:6379/0",
    }


def _write(path: Path, text: str) -> None:
    """Write beside the target and rename, so that an interrupted run leaves no half secret."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.chmod(READABLE)
    draft.replace(path)


if __name__ == "__main__":
    main()
