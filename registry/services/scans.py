from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor, record
from registry.choices import ScanVerdict
from registry.exceptions import NotIndependent
from registry.models import ArtifactScan, ModelVersion
from registry.promotion import version_parties


@transaction.atomic
def review_scan(*, version_id: int, comment: str, actor: Actor) -> ArtifactScan:
    """State that a person looked at what a scan found and lets the version pass.

    Raises NotIndependent for whoever has a part in the version, Conflict where there is nothing
    to review or it was reviewed, InvalidInput without a reason.
    """
    if actor.user_id is None or actor.kind != "user":
        raise NotIndependent("A scan is reviewed by a person.")
    if not comment.strip():
        raise InvalidInput("Say why what was found may pass.")
    version = ModelVersion.objects.select_related("model__project").get(pk=version_id)
    scan = ArtifactScan.objects.select_for_update(of=("self",)).filter(version=version).first()
    if scan is None:
        raise Conflict(f"{version} was not scanned yet.")
    if scan.verdict == ScanVerdict.CLEAN:
        raise Conflict("The scan found nothing; there is nothing to review.")
    if scan.reviewed_by_id is not None:
        raise Conflict("The scan was reviewed already.")
    if part := version_parties(version).get(actor.user_id):
        raise NotIndependent(f"You {part}; somebody without a part in it must review.")
    scan.reviewed_by_id = actor.user_id
    scan.reviewed_at = timezone.now()
    scan.review_comment = comment
    scan.save(update_fields=["reviewed_by", "reviewed_at", "review_comment"])
    record(
        "scan:reviewed",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        before={"verdict": scan.verdict},
        after={"comment": comment},
    )
    return scan
