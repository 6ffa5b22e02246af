from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from hokusai.core.fields import DIGEST, known_values
from hokusai.signers.choices import Algorithm, KeyState, Purpose
from hokusai.signers.querysets import SigningKeyQuerySet

ADDRESS = 42


class SigningKey(models.Model):
    """A public key whose signatures the platform vouches for; never deleted."""

    key_id = models.CharField(
        max_length=DIGEST, unique=True, help_text="sha256 of the public key, in hexadecimal"
    )
    algorithm = models.CharField(max_length=12, choices=Algorithm, default=Algorithm.ED25519)
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.ATTESTATION)
    public_pem = models.TextField(help_text="SubjectPublicKeyInfo, PEM")
    address = models.CharField(
        max_length=ADDRESS, blank=True, help_text="of a key on secp256k1, EIP-55"
    )
    backend = models.CharField(max_length=40, blank=True, help_text="what keeps the private half")
    valid_from = models.DateTimeField(db_default=Now(), help_text="when it may first sign")
    valid_until = models.DateTimeField(null=True, help_text="when it may sign no more")
    retired_at = models.DateTimeField(
        null=True, help_text="when its end was stated, which may lie later"
    )
    compromised_at = models.DateTimeField(null=True, help_text="when that became known")
    compromised_from_index = models.BigIntegerField(
        null=True, help_text="index in the log from which its signatures count no more"
    )

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            known_values("algorithm", Algorithm, "signing_key_algorithm_known"),
            known_values("purpose", Purpose, "signing_key_purpose_known"),
            models.CheckConstraint(
                condition=Q(algorithm=Algorithm.SECP256K1) & ~Q(address="")
                | ~Q(algorithm=Algorithm.SECP256K1) & Q(address=""),
                name="signing_key_address_on_secp256k1",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="signing_key_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(retired_at=None) | Q(valid_until__isnull=False),
                name="signing_key_retired_has_end",
            ),
            models.CheckConstraint(
                condition=Q(compromised_at=None, compromised_from_index=None)
                | Q(
                    compromised_at__isnull=False,
                    compromised_from_index__isnull=False,
                    compromised_from_index__gte=0,
                ),
                name="signing_key_compromised_from_index",
            ),
        )

    def __str__(self) -> str:
        return self.key_id[:16]

    @property
    def public_id(self) -> str:
        """What events and the log name it by."""
        return f"key_{self.key_id}"

    def state_at(self, at: datetime) -> KeyState:
        """Where the key stands at a moment."""
        if self.compromised_at is not None:
            return KeyState.COMPROMISED
        if at < self.valid_from:
            return KeyState.UPCOMING
        if self.valid_until is not None and at >= self.valid_until:
            return KeyState.RETIRED if self.retired_at else KeyState.EXPIRED
        return KeyState.RETIRING if self.retired_at else KeyState.LIVE

    def vouches_for(self, index: int | None) -> bool:
        """Whether a signature counts whose record has this index in the log; None: has none yet."""
        if self.compromised_from_index is None:
            return True
        return index is not None and index < self.compromised_from_index
