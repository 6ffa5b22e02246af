from django.db import transaction

from deployments.checks import require_restorable
from deployments.choices import OPEN, DeploymentStatus, RevisionStatus
from deployments.exceptions import NothingToRollBackTo
from deployments.models import Deployment, Revision
from deployments.services.requesting import person, request_revision
from deployments.switching import locked_deployment, swap
from hokusai.core.errors import Conflict
from hokusai.core.events import Actor


@transaction.atomic
def roll_back(*, deployment_id: int, actor: Actor) -> Revision:
    """Serve again what was live before the present revision.

    The revision kept for it is live when this returns, without a job or a call. Where none is
    kept the version that served last is rolled out anew, and a pending revision is returned.
    Rolling back twice leads forth again.

    Raises Conflict for a stopped deployment or a rollout under way, NothingToRollBackTo,
    DeployChecksFailed where the version was retired or its bytes are gone.
    """
    person(actor)
    deployment = locked_deployment(deployment_id)
    if deployment.status != DeploymentStatus.ACTIVE:
        raise Conflict("A stopped deployment is not rolled back; deploy a version instead.")
    if deployment.revisions.filter(status__in=OPEN).exists():
        raise Conflict("A rollout is under way; cancel it or wait for its end.")
    target = rollback_target(deployment)
    if target is None:
        raise NothingToRollBackTo(f"No other version served at {deployment} before.")
    require_restorable(target.version, target.digest)
    if target.status == RevisionStatus.STANDBY:
        return swap(deployment, target, actor=actor)
    return request_revision(deployment, target.version, actor, rolled_back_to=target.number)


def rollback_target(deployment: Deployment) -> Revision | None:
    """The revision kept for a roll-back, else the last one that was live with another version."""
    revisions = deployment.revisions.select_related("version__model__project")
    standby: Revision | None = revisions.standby().first()
    if standby is not None:
        return standby
    live = deployment.revisions.live().first()
    served = revisions.filter(status=RevisionStatus.RETIRED, live_at__isnull=False)
    if live is not None:
        served = served.exclude(version=live.version_id)
    last: Revision | None = served.order_by("-live_at", "-number").first()
    return last
