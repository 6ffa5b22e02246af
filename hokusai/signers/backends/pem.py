"""Private keys as PEM: from a file, or from a variable where no file can be given."""

import os
from abc import abstractmethod
from pathlib import Path

import coincurve
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hokusai.signers.algorithms.public_keys import KeyInvalid, PublicHalf, public_half
from hokusai.signers.algorithms.secp256k1 import WORD
from hokusai.signers.backends.base import DIGEST, KeyBackend
from hokusai.signers.exceptions import SignerUnusable

CURVE = "secp256k1"


class PemBackend(KeyBackend):
    """A private key in PKCS#8, PEM, without a password; read anew each time it is asked for."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the key is, for messages: never its content."""

    @abstractmethod
    def _pem(self) -> bytes:
        """Return the PEM. Raises OSError, or KeyError where it is absent."""

    def public_half(self) -> PublicHalf:
        """Return what is published of the key. Raises SignerUnusable."""
        try:
            return public_half(self._key().public_key())
        except KeyInvalid as error:
            raise SignerUnusable(f"The key of {self.place} cannot sign here: {error}") from error

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data`. Raises SignerUnusable."""
        key = self._key()
        if not isinstance(key, Ed25519PrivateKey):
            raise SignerUnusable(f"The key of {self.place} is no Ed25519 key.")
        return key.sign(data)

    def sign_hashed(self, digest: bytes) -> tuple[int, int]:
        """Return r and s of a digest, the same each time (RFC 6979). Raises SignerUnusable."""
        key = self._key()
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != CURVE:
            raise SignerUnusable(f"The key of {self.place} is no key on secp256k1.")
        if len(digest) != DIGEST:
            raise SignerUnusable("A digest is 32 bytes.")
        secret = key.private_numbers().private_value.to_bytes(WORD, "big")
        signature = coincurve.PrivateKey(secret).sign_recoverable(digest, hasher=None)
        return _number(signature[:WORD]), _number(signature[WORD : 2 * WORD])

    def _key(self) -> Ed25519PrivateKey | EllipticCurvePrivateKey:
        try:
            key = load_pem_private_key(self._pem(), password=None)
        except (OSError, KeyError, TypeError, ValueError, UnsupportedAlgorithm) as error:
            raise SignerUnusable(f"The key of {self.place} cannot be read.") from error
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise SignerUnusable(f"The key of {self.place} is of another kind.")
        return key


class FileKey(PemBackend):
    """A key in a file that only the signer's process can read."""

    label = "file"

    def __init__(self, *, path: str) -> None:
        self._path = Path(path)

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def _pem(self) -> bytes:
        return self._path.read_bytes()


class EnvironmentKey(PemBackend):
    """A key in a variable of the signer's environment; line ends may be written as \\n."""

    label = "environment"

    def __init__(self, *, variable: str) -> None:
        self._variable = variable

    @property
    def place(self) -> str:
        """The variable."""
        return self._variable

    def _pem(self) -> bytes:
        return os.environ[self._variable].replace("\\n", "\n").encode("ascii")


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")
