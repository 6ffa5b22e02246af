from django.db import transaction
from django.utils import timezone

from deployments import endpoints
from deployments.choices import KEPT, OPEN, DeploymentStatus, RevisionStatus
from deployments.models import Deployment
from deployments.switching import locked_deployment, ring_to_end
from hokusai.core.events import Actor, record


@transaction.atomic
def stop_deployment(*, deployment_id: int, actor: Actor) -> Deployment:
    """End serving: no new prediction is answered. Raises InvalidTransition when it has stopped."""
    deployment = locked_deployment(deployment_id)
    deployment.move_to(DeploymentStatus.STOPPED)
    deployment.save(update_fields=["status"])
    ended = list(deployment.revisions.select_for_update().filter(status__in=(*OPEN, *KEPT)))
    for revision in ended:
        revision.move_to(RevisionStatus.RETIRED)
        revision.ended_at = timezone.now()
        revision.save(update_fields=["status", "ended_at"])
        ring_to_end(revision.public_id)
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
