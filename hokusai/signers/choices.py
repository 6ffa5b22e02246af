from django.db import models


class Algorithm(models.TextChoices):
    """How a key signs."""

    ED25519 = "ed25519", "Ed25519"
    SECP256K1 = "secp256k1", "ECDSA on secp256k1"
    P256 = "p256", "ECDSA on P-256"


class Purpose(models.TextChoices):
    """What a key signs, and nothing else."""

    ATTESTATION = "attestation", "attestations"
    LOG = "log", "checkpoints of the log"
    CHAIN = "chain", "attestations for a chain"
    ARTIFACT = "artifact", "files of models"


class KeyState(models.TextChoices):
    """Where a key stands at one moment."""

    UPCOMING = "upcoming", "not valid yet"
    LIVE = "live", "live"
    RETIRING = "retiring", "retiring"
    RETIRED = "retired", "retired"
    EXPIRED = "expired", "expired"
    COMPROMISED = "compromised", "compromised"


ALGORITHM_OF = {
    Purpose.ATTESTATION: Algorithm.ED25519,
    Purpose.LOG: Algorithm.ED25519,
    Purpose.CHAIN: Algorithm.SECP256K1,
    Purpose.ARTIFACT: Algorithm.P256,
}
# Keys of the other purpose are held and replaced by the registry; they are only listed here.
HELD = (Purpose.ATTESTATION, Purpose.LOG, Purpose.CHAIN)
# States in which the key may sign.
SIGNING = frozenset({KeyState.LIVE, KeyState.RETIRING})
