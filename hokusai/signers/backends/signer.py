"""One key as the signer's process uses it: whatever keeps it, its signatures look the same."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hokusai.signers.algorithms import secp256k1
from hokusai.signers.algorithms.public_keys import PublicHalf
from hokusai.signers.backends.base import DIGEST, KeyBackend
from hokusai.signers.choices import ALGORITHM_OF, Algorithm, Purpose
from hokusai.signers.exceptions import SignerUnusable


@dataclass(frozen=True)
class Signer:
    """A key of one purpose. Every signature is verified before it is handed out."""

    purpose: Purpose
    public: PublicHalf
    backend: KeyBackend = field(repr=False)

    @classmethod
    def of(cls, purpose: Purpose, backend: KeyBackend) -> "Signer":
        """The signer that a backend makes. Raises SignerUnusable, SignerUnavailable."""
        public = backend.public_half()
        if public.algorithm != ALGORITHM_OF[purpose]:
            found, wanted = Algorithm(public.algorithm).label, ALGORITHM_OF[purpose].label
            raise SignerUnusable(f"The key for {purpose.label} is {found}, not {wanted}.")
        return cls(purpose, public, backend)

    @property
    def key_id(self) -> str:
        """The id of the key: sha256 of its SubjectPublicKeyInfo, in hexadecimal."""
        return self.public.key_id

    @property
    def algorithm(self) -> Algorithm:
        """How it signs."""
        return Algorithm(self.public.algorithm)

    @property
    def public_pem(self) -> str:
        """The public half, as PEM."""
        return self.public.public_pem

    @property
    def address(self) -> str:
        """The EIP-55 address of a key on secp256k1, else ""."""
        return self.public.address

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature of `data`: 64 bytes.

        Raises SignerUnusable for a key of another kind, SignerUnavailable to ask again.
        """
        key = load_pem_public_key(self.public_pem.encode("ascii"))
        if not isinstance(key, Ed25519PublicKey):
            raise SignerUnusable("Only an Ed25519 key signs bytes.")
        signature = self.backend.sign_bytes(data)
        try:
            key.verify(signature, data)
        except InvalidSignature as error:
            raise SignerUnusable("What the key answered is not its signature.") from error
        return signature

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r, s, v of a digest of 32 bytes: 65 bytes, s in the lower half, v 27 or 28.

        Raises SignerUnusable for a key of another kind, SignerUnavailable to ask again.
        """
        if self.algorithm != Algorithm.SECP256K1:
            raise SignerUnusable("Only a key on secp256k1 signs digests.")
        if len(digest) != DIGEST:
            raise SignerUnusable("A digest is 32 bytes.")
        r, s = self.backend.sign_hashed(digest)
        try:
            return secp256k1.recoverable(r, s, digest, self.address)
        except secp256k1.SignatureError as error:
            raise SignerUnusable(f"What the key answered is not its signature: {error}") from error
