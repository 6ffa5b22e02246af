"""Bringing a revision live: start it, prove its bytes, switch in one transaction, end the old."""

from django.conf import settings

from deployments import endpoints
from deployments.choices import KEPT, OPEN, DeploymentStatus, RevisionStatus
from deployments.endpoints import Target
from deployments.examples import example_rows
from deployments.exceptions import WrongBytes
from deployments.models import Revision
from deployments.providers import (
    Capability,
    DeploymentProvider,
    Endpoint,
    ProviderUnavailable,
    providers,
)
from deployments.switching import (
    bring_live,
    fail,
    locked_revision,
    retire,
    ring_to_end,
)
from hokusai.core import leases
from hokusai.core.errors import InvalidInput
from hokusai.core.jobs import Work
from hokusai.core.models import Job

CONTROL_S = 30.0
# A person may try a failed rollout again.
STARTABLE = (*OPEN, RevisionStatus.FAILED)


def roll_out(work: Work) -> None:
    """Serve a requested revision. Safe to repeat, and to be killed at any line.

    Raises OutsideUnavailable when a later try may work; InvalidSpec, WrongBytes or ModelError (of
    the input example) when not.
    """
    revision_id = work.job.subject
    if not _begin(work.job, revision_id):
        work.log("Not wanted any more.")
        return
    target = endpoints.target_of_revision(revision_id)
    provider = providers[target.provider]
    work.progress(10, "Starting the new revision.")
    endpoint = provider.deploy(target.spec, timeout_s=settings.SERVE_TIMEOUT_S)
    work.progress(60, "It answers; comparing the bytes that it loaded.")
    _prove(provider, endpoint, target)
    _ask_example(work, provider, endpoint)
    with work.result():
        _switch(revision_id, endpoint, target.served_with)


def rollout_failed(job: Job, reason: str) -> None:
    """Write on the revision that its rollout ended without a result, and end what was started."""
    revision = locked_revision(job.subject)
    if revision is not None and revision.status in OPEN:
        fail(revision, reason)


def end_revision(revision_id: str) -> None:
    """End the process of a revision that is not to serve; does nothing for one that is."""
    revision = Revision.objects.select_related("deployment").get(public_id=revision_id)
    if revision.status in (RevisionStatus.STARTING, *KEPT):
        return
    providers[revision.deployment.provider].stop(revision_id, timeout_s=CONTROL_S)


def _begin(job: Job, revision_id: str) -> bool:
    """Mark the revision as starting; False where it is live, superseded or not wanted."""
    with leases.fenced(job):
        revision = locked_revision(revision_id)
        if revision is None or revision.status not in STARTABLE:
            return False
        if not _wanted(revision):
            if revision.status in OPEN:
                retire(revision, "Superseded before it started.")
            return False
        revision.move_to(RevisionStatus.STARTING)
        revision.error, revision.ended_at = "", None
        revision.save(update_fields=["status", "error", "ended_at"])
        return True


def _prove(provider: DeploymentProvider, endpoint: Endpoint, target: Target) -> None:
    """Raises WrongBytes where the provider serves others than the version's bytes."""
    state = provider.status(endpoint.handle, timeout_s=CONTROL_S)
    if not state.phase.answers:
        raise ProviderUnavailable(
            f"The new revision is {state.phase.replace('_', ' ')}.", phase=str(state.phase)
        )
    if Capability.PROVES_DIGEST not in provider.capabilities:
        return
    # A provider may serve the original where it cannot load what was made from it.
    converted = state.converted_digest in ("", target.converted_digest)
    if state.digest != target.digest or not converted:
        raise WrongBytes("The bytes that serve are not the version's.", served=state.digest)


def _ask_example(work: Work, provider: DeploymentProvider, endpoint: Endpoint) -> None:
    """Raises ModelError where the version fails on its own input example.

    An example that does not fit the signature says nothing of the model: that is noted.
    """
    version = Revision.objects.select_related("version").get(public_id=work.job.subject).version
    rows = example_rows(version)
    if rows is None:
        return
    work.progress(80, "Asking it with its input example.")
    try:
        provider.predict(endpoint.handle, rows, deadline_s=settings.PREDICT_TIMEOUT_S)
    except InvalidInput as error:
        work.log(f"The input example does not fit the model: {error}")


def _switch(revision_id: str, endpoint: Endpoint, served_with: str) -> None:
    """Make the revision live and keep the one before, or undo it where it is not wanted."""
    revision = locked_revision(revision_id)
    if revision is None or revision.status != RevisionStatus.STARTING:
        ring_to_end(revision_id)
        return
    if not _wanted(revision):
        retire(revision, "Superseded while it started.")
        return
    bring_live(revision, handle=endpoint.handle, served_with=served_with)


def _wanted(revision: Revision) -> bool:
    """Whether its deployment is active and nothing newer is, or was lately, live there."""
    if revision.deployment.status != DeploymentStatus.ACTIVE:
        return False
    newer = revision.deployment.revisions.kept().filter(number__gt=revision.number)
    return not newer.exists()
