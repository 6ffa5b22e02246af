"""Replacing a key, in the signer's process: it alone can say which key it holds."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from hokusai.core.errors import Conflict
from hokusai.core.events import SYSTEM
from hokusai.core.jobs import Work
from hokusai.signers import services
from hokusai.signers.backends.signer import Signer
from hokusai.signers.choices import Purpose
from hokusai.signers.models import SigningKey


def rotate(work: Work) -> None:
    """Introduce the keys that this process holds and give the ones before them an end.

    Raises SignerUnusable where it holds none, Conflict where it holds none that is new.
    """
    purpose = Purpose(work.job.subject)
    held = {signer.key_id: signer for signer in services.signers_for(purpose)}
    if not held:
        services.signer_for(purpose)
    work.progress(50, "comparing the keys held with those known")
    with work.result():
        known = set(SigningKey.objects.filter(key_id__in=held).values_list("key_id", flat=True))
        new = [signer for key_id, signer in held.items() if key_id not in known]
        if not new:
            raise Conflict("The signer still holds the keys that are known; give it a new one.")
        for signer in new:
            _introduce(signer)
        _retire_others(purpose, set(held))


def _introduce(signer: Signer) -> None:
    services.introduce_key(
        purpose=signer.purpose,
        public_pem=signer.public_pem,
        backend=signer.backend.label,
        actor=SYSTEM,
    )


def _retire_others(purpose: Purpose, held: set[str]) -> None:
    until = timezone.now() + timedelta(hours=settings.KEY_OVERLAP_H)
    for key in services.valid_keys(purpose):
        ends_sooner = key.valid_until is not None and key.valid_until <= until
        if key.key_id not in held and not ends_sooner:
            services.retire_key(key_id=key.key_id, valid_until=until, actor=SYSTEM)
