from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from deployments import endpoints
from deployments.checks import require_deployable
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.exceptions import AlreadyServed, NothingToRollBackTo
from deployments.models import Deployment, Revision
from deployments.providers import providers
from hokusai.core import doorbell, jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry.models import ModelVersion

OPEN = (RevisionStatus.PENDING, RevisionStatus.STARTING)
SERVING = (*OPEN, RevisionStatus.LIVE)


@transaction.atomic
def deploy(
    *, version: ModelVersion, actor: Actor, slug: str = "production", provider: str = "local"
) -> Revision:
    """Ask for a version to be served at a place, which is made when it is new.

    The version that serves now stays until the new one answers. Raises AlreadyServed,
    DeployChecksFailed, InvalidInput for an unknown provider, Conflict where the place has another.
    """
    user_id = _person(actor)
    if provider not in providers:
        raise InvalidInput(f"There is no provider {provider!r}.", known=sorted(providers))
    require_deployable(version)
    deployment = _locked_place(version, slug, provider, actor, user_id)
    if deployment.provider != provider:
        raise Conflict(
            f"{deployment} is served by {deployment.provider}; choose another name.",
            provider=deployment.provider,
        )
    if deployment.revisions.filter(status__in=SERVING, version=version).exists():
        raise AlreadyServed(f"{deployment} serves {version} already, or is about to.")
    if deployment.status == DeploymentStatus.STOPPED:
        deployment.move_to(DeploymentStatus.ACTIVE)
        deployment.save(update_fields=["status"])
    return _request(deployment, version, actor, user_id)


@transaction.atomic
def roll_back(*, deployment_id: int, actor: Actor) -> Revision:
    """Serve again the version that was live before the present one.

    Raises Conflict for a stopped deployment, NothingToRollBackTo, DeployChecksFailed.
    """
    user_id = _person(actor)
    deployment = _locked(deployment_id)
    if deployment.status != DeploymentStatus.ACTIVE:
        raise Conflict("A stopped deployment is not rolled back; deploy a version instead.")
    target = rollback_target(deployment)
    if target is None:
        raise NothingToRollBackTo(f"No other version served at {deployment} before.")
    if deployment.revisions.filter(status__in=OPEN).exists():
        raise Conflict("A rollout is under way; cancel it or wait for its end.")
    require_deployable(target.version)
    return _request(deployment, target.version, actor, user_id, rolled_back_to=target.number)


@transaction.atomic
def stop_deployment(*, deployment_id: int, actor: Actor) -> Deployment:
    """End serving: no new prediction is answered. Raises InvalidTransition when it has stopped."""
    deployment = _locked(deployment_id)
    deployment.move_to(DeploymentStatus.STOPPED)
    deployment.save(update_fields=["status"])
    ended = list(deployment.revisions.select_for_update().filter(status__in=SERVING))
    for revision in ended:
        revision.move_to(RevisionStatus.RETIRED)
        revision.ended_at = timezone.now()
        revision.save(update_fields=["status", "ended_at"])
        _ring_to_end(revision)
    endpoints.outdate_on_commit(deployment)
    record(
        "deployment:stopped",
        subject=deployment.public_id,
        actor=actor,
        project_id=deployment.model.project_id,
        label=str(deployment),
        before={"status": DeploymentStatus.ACTIVE},
        after={"status": deployment.status, "ended": [row.public_id for row in ended]},
    )
    return deployment


def rollback_target(deployment: Deployment) -> Revision | None:
    """The last revision that was live with another version than the present one's."""
    live = deployment.revisions.live().first()
    served = deployment.revisions.filter(
        status=RevisionStatus.RETIRED, live_at__isnull=False
    ).select_related("version__model__project")
    if live is not None:
        served = served.exclude(version=live.version_id)
    last: Revision | None = served.order_by("-live_at", "-number").first()
    return last


def _locked(deployment_id: int) -> Deployment:
    deployment: Deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("model__project")
        .get(pk=deployment_id)
    )
    return deployment


def _locked_place(
    version: ModelVersion, slug: str, provider: str, actor: Actor, user_id: int
) -> Deployment:
    place, made = Deployment.objects.get_or_create(
        model_id=version.model_id,
        slug=slug,
        defaults={"provider": provider, "created_by_id": user_id},
    )
    deployment = _locked(place.pk)
    if made:
        record(
            "deployment:created",
            subject=deployment.public_id,
            actor=actor,
            project_id=deployment.model.project_id,
            label=str(deployment),
            after={"provider": provider},
        )
    return deployment


def _request(
    deployment: Deployment,
    version: ModelVersion,
    actor: Actor,
    user_id: int,
    rolled_back_to: int | None = None,
) -> Revision:
    last = deployment.revisions.aggregate(last=Max("number"))["last"] or 0
    revision = Revision(
        deployment=deployment,
        number=last + 1,
        version=version,
        digest=version.tree_digest,
        created_by_id=user_id,
    )
    revision.job = jobs.enqueue(
        "rollout",
        subject=revision.public_id,
        project_id=deployment.model.project_id,
        label=f"{version} to {deployment}",
    )
    revision.save()
    record(
        "revision:requested",
        subject=revision.public_id,
        actor=actor,
        project_id=deployment.model.project_id,
        label=str(revision),
        after={
            "deployment": deployment.public_id,
            "version": version.public_id,
            "digest": revision.digest,
            "rolled_back_to": rolled_back_to,
        },
    )
    return revision


def _ring_to_end(revision: Revision) -> None:
    public_id = revision.public_id
    transaction.on_commit(lambda: doorbell.ring("deployments.end_revision", public_id))


def _person(actor: Actor) -> int:
    if actor.user_id is None:
        raise Forbidden("A deployment is asked for by a person.")
    return actor.user_id
