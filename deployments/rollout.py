"""Bringing a revision live: start it, prove its bytes, switch in one transaction, end the old."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments import endpoints
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.exceptions import WrongBytes
from deployments.lineage import link_revision
from deployments.models import Deployment, Revision
from deployments.providers import DeploymentProvider, Endpoint, Phase, providers
from deployments.providers.base import Capability
from hokusai.core import doorbell, leases
from hokusai.core.errors import OutsideUnavailable
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job

CONTROL_S = 30.0
OPEN = (RevisionStatus.PENDING, RevisionStatus.STARTING)
# A person may try a failed rollout again.
STARTABLE = (*OPEN, RevisionStatus.FAILED)


def roll_out(work: Work) -> None:
    """Serve a requested revision. Safe to repeat, and to be killed at any line.

    Raises OutsideUnavailable when a later try may work; DeployRefused or WrongBytes when not.
    """
    revision_id = work.job.subject
    if not _begin(work.job, revision_id):
        work.log("Not wanted any more.")
        return
    target = endpoints.target_of_revision(revision_id)
    provider = providers[target.provider]
    work.progress(10, "Starting the new revision.")
    endpoint = provider.deploy(target.spec, timeout_s=settings.SERVE_TIMEOUT_S)
    work.progress(70, "It answers; comparing the bytes that it loaded.")
    _prove(provider, endpoint, target.digest)
    with work.result():
        _switch(revision_id, endpoint)


def rollout_failed(job: Job, reason: str) -> None:
    """Write on the revision that its rollout ended without a result, and end what was started."""
    revision = _locked(job.subject)
    if revision is None or revision.status not in OPEN:
        return
    before = revision.status
    revision.move_to(RevisionStatus.FAILED)
    revision.error, revision.ended_at = reason, timezone.now()
    revision.save(update_fields=["status", "error", "ended_at"])
    _ring_on_commit(revision.public_id)
    endpoints.outdate_on_commit(revision.deployment)
    _record("revision:failed", revision, before, error=reason)


def end_revision(revision_id: str) -> None:
    """End the process of a revision that is not to serve; does nothing for one that is."""
    revision = Revision.objects.select_related("deployment").get(public_id=revision_id)
    if revision.status in (RevisionStatus.STARTING, RevisionStatus.LIVE):
        return
    providers[revision.deployment.provider].stop(revision_id, timeout_s=CONTROL_S)


def _begin(job: Job, revision_id: str) -> bool:
    """Mark the revision as starting; False where it is live, superseded or not wanted."""
    with leases.fenced(job):
        revision = _locked(revision_id)
        if revision is None or revision.status not in STARTABLE:
            return False
        if not _wanted(revision):
            if revision.status in OPEN:
                _retire(revision, "Superseded before it started.")
            return False
        revision.move_to(RevisionStatus.STARTING)
        revision.error, revision.ended_at = "", None
        revision.save(update_fields=["status", "error", "ended_at"])
        return True


def _prove(provider: DeploymentProvider, endpoint: Endpoint, digest: str) -> None:
    """Raises WrongBytes where the provider serves others than the version's bytes."""
    state = provider.status(endpoint.handle, timeout_s=CONTROL_S)
    if state.phase != Phase.RUNNING:
        raise OutsideUnavailable(f"The new revision is {state.phase}.", phase=state.phase)
    if Capability.PROVES_DIGEST in provider.capabilities and state.digest != digest:
        raise WrongBytes("The bytes that serve are not the version's.", served=state.digest)


def _switch(revision_id: str, endpoint: Endpoint) -> None:
    """Make the revision live and retire the one before, or undo it where it is not wanted."""
    revision = _locked(revision_id)
    if revision is None or revision.status != RevisionStatus.STARTING:
        _ring_on_commit(revision_id)
        return
    if not _wanted(revision):
        _retire(revision, "Superseded while it started.")
        return
    old = revision.deployment.revisions.select_for_update().live().first()
    if old is not None:
        # The old process ends after the commit: the new one answers before the old one is gone.
        _retire(old, "")
    revision.move_to(RevisionStatus.LIVE)
    revision.endpoint, revision.live_at = endpoint.handle, timezone.now()
    revision.save(update_fields=["status", "endpoint", "live_at"])
    link_revision(revision)
    endpoints.outdate_on_commit(revision.deployment)
    _record("revision:live", revision, RevisionStatus.STARTING, replaces=old and old.public_id)


def _locked(revision_id: str) -> Revision | None:
    """The revision, its deployment locked first, as everywhere."""
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


def _wanted(revision: Revision) -> bool:
    """Whether its deployment is active and nothing newer is live there."""
    if revision.deployment.status != DeploymentStatus.ACTIVE:
        return False
    newer = revision.deployment.revisions.live().filter(number__gt=revision.number)
    return not newer.exists()


def _retire(revision: Revision, reason: str) -> None:
    before = revision.status
    revision.move_to(RevisionStatus.RETIRED)
    revision.error, revision.ended_at = reason, timezone.now()
    revision.save(update_fields=["status", "error", "ended_at"])
    _ring_on_commit(revision.public_id)
    _record("revision:retired", revision, before, reason=reason)


def _ring_on_commit(revision_id: str) -> None:
    transaction.on_commit(lambda: doorbell.ring("deployments.end_revision", revision_id))


def _record(tag: str, revision: Revision, before: str, **after: object) -> None:
    record(
        tag,
        subject=revision.public_id,
        actor=SYSTEM,
        project_id=revision.deployment.model.project_id,
        label=str(revision),
        before={"status": before},
        after={"status": revision.status, "digest": revision.digest, **after},
    )
