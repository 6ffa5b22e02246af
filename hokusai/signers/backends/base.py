"""What every keeper of private keys can do. Knows no model."""

from abc import ABC, abstractmethod
from typing import ClassVar

from hokusai.signers.algorithms.public_keys import PublicHalf

DIGEST = 32


class KeyBackend(ABC):
    """Keeps one private key and signs with it; the key itself never leaves it."""

    # How the backend is called beside the key that it keeps.
    label: ClassVar[str]

    @abstractmethod
    def public_half(self) -> PublicHalf:
        """Return what is published of the key.

        Raises SignerUnusable for no key or one of another kind, SignerUnavailable to ask again.
        """

    @abstractmethod
    def sign_bytes(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) of `data`.

        Raises SignerUnusable for a key of another kind, SignerUnavailable to ask again.
        """

    @abstractmethod
    def sign_hashed(self, digest: bytes) -> tuple[int, int]:
        """Return r and s of the ECDSA signature of a digest of 32 bytes, which is not hashed again.

        s may lie in either half. Raises SignerUnusable for a key on another curve than secp256k1,
        SignerUnavailable to ask again.
        """
