"""Signing receipts in the signer's process, which makes each statement from the row alone."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.algorithms.receipt_statement import Facts, commitment, statement
from deployments.models import PredictionReceipt
from hokusai.core.canonical import canonical_bytes
from hokusai.signers.algorithms import dsse
from hokusai.signers.choices import Purpose
from hokusai.signers.services import admit, signer_for

AT_ONCE = 200


def sign_pending() -> int:
    """Sign the receipts that wait, up to AT_ONCE of them; how many there were.

    Safe to run twice at the same time. Raises SignerUnusable, SignerUnavailable.
    """
    if not PredictionReceipt.objects.unsigned().exists():
        return 0
    signer = signer_for(Purpose.ATTESTATION)
    with transaction.atomic():
        admit(signer=signer)
        waiting = PredictionReceipt.objects.unsigned().select_for_update(
            skip_locked=True, of=("self",)
        )
        rows = list(waiting.select_related("project")[:AT_ONCE])
        for row in rows:
            payload = canonical_bytes(statement(facts_of(row)))
            row.envelope = dsse.sign(payload, signer)
            row.key_id, row.signed_at = signer.key_id, timezone.now()
        PredictionReceipt.objects.bulk_update(rows, ["envelope", "key_id", "signed_at"])
    return len(rows)


def facts_of(row: PredictionReceipt) -> Facts:
    """What a receipt states, from its row."""
    return Facts(
        receipt=row.public_id,
        instance=settings.INSTANCE_NAME,
        environment=settings.ENVIRONMENT_NAME,
        project=row.project.slug,
        deployment=row.deployment,
        revision=row.revision,
        model_id=row.model_id,
        version=row.version,
        digest=row.digest,
        converted_digest=row.converted_digest,
        isolation=row.isolation,
        request_id=row.request_id,
        principal_commitment=commitment(bytes(row.salt), row.principal),
        input_digest=row.input_digest,
        output_digest=row.output_digest,
        predicted_at=row.created_at,
    )
