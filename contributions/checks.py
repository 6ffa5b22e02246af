from django.utils import timezone

from contributions.choices import AttestationStatus
from contributions.models import Attestation, Improvement, Revocation
from experiments.choices import ComparisonStatus
from experiments.models import Comparison
from hokusai.core.models import Event
from registry.models import ModelVersion
from registry.promotion import CheckResult, PromotionCheck


class Attested(PromotionCheck):
    """Each accepted improvement of the version is signed, and no signature was revoked."""

    code = "attested"
    title = "Improvement attested"

    def run(self, version: ModelVersion) -> CheckResult:
        improvements = Improvement.objects.filter(candidate=version).order_by("pk")
        found = list(improvements.select_related("candidate__model", "baseline", "attestation"))
        for improvement in found:
            if problem := _problem(improvement):
                return CheckResult(False, f"{improvement}: {problem}")
        if waiting := _waiting(version):
            return CheckResult(False, f"{waiting}: credit is being worked out; wait for it.")
        if not found:
            return CheckResult(True, "No improvement is claimed for this version.")
        signed = ", ".join(f"{row.attestation.statement_id[:12]}…" for row in found)
        return CheckResult(True, f"Signed: {signed}")


def _problem(improvement: Improvement) -> str:
    attestation: Attestation | None = getattr(improvement, "attestation", None)
    if attestation is None:
        return "its credit is being worked out; wait for it."
    if attestation.status == AttestationStatus.PENDING:
        return "it is not signed yet; wait for the signer."
    if attestation.status == AttestationStatus.REVOKED:
        return "its attestation was revoked."
    if Revocation.objects.filter(attestation=attestation).exists():
        return "its attestation is being revoked."
    if attestation.expires_at is not None and attestation.expires_at <= timezone.now():
        return "its attestation expired; measure it anew."
    return ""


def _waiting(version: ModelVersion) -> Comparison | None:
    """An accepted comparison of which nobody said yet whether it is an improvement."""
    accepted = Comparison.objects.with_names().filter(
        candidate=version, status=ComparisonStatus.ACCEPTED, improvement=None
    )
    refused = Event.objects.filter(tag="improvement:refused")
    return accepted.exclude(public_id__in=refused.values("subject")).first()
