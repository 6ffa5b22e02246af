"""Asking the signer's process for what it alone can make."""

from contributions.models import Attestation, Improvement
from hokusai.core import jobs


def ask_for_attestation(improvement: Improvement) -> Attestation:
    """Ask for the attestation of an improvement, once, in the transaction of whoever asks."""
    attestation, asked = Attestation.objects.get_or_create(improvement=improvement)
    if not asked:
        return attestation
    attestation.job = jobs.enqueue(
        "attestation",
        subject=improvement.public_id,
        project_id=improvement.project.pk,
        label=str(improvement),
    )
    attestation.save(update_fields=["job"])
    return attestation
