"""Which revision of a place is live, and the writes that change it; each in a transaction."""

from django.db import transaction
from django.utils import timezone

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.lineage import link_revision
from deployments.models import Deployment, Revision
from deployments.providers import Capability, providers
from hokusai.core import doorbell
from hokusai.core.events import SYSTEM, Actor, record


def locked_deployment(deployment_id: int) -> Deployment:
    """A place, locked for the length of the transaction; always before its revisions."""
    deployment: Deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("model__project")
        .get(pk=deployment_id)
    )
    return deployment


def locked_revision(revision_id: str) -> Revision | None:
    """A revision, its place locked first, as everywhere; None for an unknown one."""
    found = Revision.objects.filter(public_id=revision_id).values_list("deployment_id").first()
    if found is None:
        return None
    Deployment.objects.select_for_update().get(pk=found[0])
    revision: Revision = (
        Revision.objects.select_for_update(of=("self",))
        .select_related("deployment__model__project", "version__model__project")
        .get(public_id=revision_id)
    )
    return revision


def bring_live(revision: Revision, *, handle: str, served_with: str) -> None:
    """Make a started revision live; what was live before is kept for a roll-back.

    What was kept until now is retired: one roll-back target per place.
    """
    place = revision.deployment
    old = place.revisions.select_for_update().live().first()
    if old is not None:
        for kept in place.revisions.select_for_update().standby():
            retire(kept, "")
        _stand_by_or_retire(old, place)
    revision.move_to(RevisionStatus.LIVE)
    revision.endpoint, revision.served_with, revision.live_at = handle, served_with, timezone.now()
    revision.save(update_fields=["status", "endpoint", "served_with", "live_at"])
    link_revision(revision)
    endpoints.outdate_on_commit(place)
    record_revision(
        "revision:live", revision, RevisionStatus.STARTING, replaces=old and old.public_id
    )


def swap(place: Deployment, standby: Revision, *, actor: Actor) -> Revision:
    """Make the revision kept for a roll-back live, and keep the live one in its stead.

    No process is started or ended: one transaction, and nobody outside is asked.
    """
    live = place.revisions.select_for_update().live().first()
    # Each step leaves one live and one standby at most, as the constraints want it.
    standby.move_to(RevisionStatus.STARTING)
    standby.save(update_fields=["status"])
    if live is not None:
        live.move_to(RevisionStatus.STANDBY)
        live.save(update_fields=["status"])
    standby.move_to(RevisionStatus.LIVE)
    standby.live_at = timezone.now()
    standby.save(update_fields=["status", "live_at"])
    endpoints.outdate_on_commit(place)
    record(
        "deployment:rolled_back",
        subject=place.public_id,
        actor=actor,
        project_id=place.model.project_id,
        label=str(place),
        before=_stated(live),
        after=_stated(standby),
    )
    return standby


def retire(revision: Revision, reason: str, *, actor: Actor = SYSTEM) -> None:
    """End a revision for good; its process ends after the commit."""
    before = revision.status
    revision.move_to(RevisionStatus.RETIRED)
    revision.error, revision.ended_at = reason, timezone.now()
    revision.save(update_fields=["status", "error", "ended_at"])
    ring_to_end(revision.public_id)
    record_revision("revision:retired", revision, before, actor=actor, reason=reason)


def fail(revision: Revision, reason: str) -> None:
    """End a revision that cannot be served, and say why; its process ends after the commit."""
    before = revision.status
    revision.move_to(RevisionStatus.FAILED)
    revision.error, revision.ended_at = reason, timezone.now()
    revision.save(update_fields=["status", "error", "ended_at"])
    ring_to_end(revision.public_id)
    endpoints.outdate_on_commit(revision.deployment)
    record_revision("revision:failed", revision, before, error=reason)


def ring_to_end(revision_id: str) -> None:
    """Ring, once the transaction commits, for the end of a revision's process."""
    transaction.on_commit(lambda: doorbell.ring("deployments.end_revision", revision_id))


def record_revision(
    tag: str, revision: Revision, before: str, *, actor: Actor = SYSTEM, **after: object
) -> None:
    """The event of a revision's change of state."""
    record(
        tag,
        subject=revision.public_id,
        actor=actor,
        project_id=revision.deployment.model.project_id,
        label=str(revision),
        before={"status": before},
        after={"status": revision.status, "digest": revision.digest, **after},
    )


def _stand_by_or_retire(old: Revision, place: Deployment) -> None:
    if Capability.STANDBY not in providers[place.provider].capabilities:
        # Its process ends after the commit: the new one answers before the old one is gone.
        retire(old, "")
        return
    before = old.status
    old.move_to(RevisionStatus.STANDBY)
    old.save(update_fields=["status"])
    record_revision("revision:standby", old, before)


def _stated(revision: Revision | None) -> dict[str, object]:
    if revision is None:
        return {}
    return {
        "revision": revision.public_id,
        "number": revision.number,
        "version": revision.version.number,
        "digest": revision.digest,
    }
