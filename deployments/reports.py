from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision

LIMIT = 100


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One deployment and the revision that matters there now; None where it has none."""

    deployment: Deployment
    model_id: str
    version: int | None
    revision: int | None
    status: str
    since: datetime
    endpoint: str


def deployment_board(user: Any) -> list[BoardLine]:
    """The deployments that a viewer may see, those that serve first."""
    deployments = list(
        Deployment.objects.visible_to(user)
        .select_related("model__project")
        .order_by("status", "-id")[:LIMIT]
    )
    current = _current(deployments)
    return [_line(deployment, current.get(deployment.pk)) for deployment in deployments]


def _current(deployments: list[Deployment]) -> dict[int, Revision]:
    """By deployment: the live revision, else the latest that is open or failed."""
    rows = (
        Revision.objects.filter(deployment__in=deployments)
        .exclude(status=RevisionStatus.RETIRED)
        .select_related("version")
        .order_by("number")
    )
    current: dict[int, Revision] = {}
    for row in rows:
        known = current.get(row.deployment_id)
        if known is None or known.status != RevisionStatus.LIVE:
            current[row.deployment_id] = row
    return current


def _line(deployment: Deployment, revision: Revision | None) -> BoardLine:
    stopped = deployment.status == DeploymentStatus.STOPPED
    if revision is None or stopped:
        status = deployment.status if stopped else RevisionStatus.RETIRED
        model_id = deployment.model.model_id
        return BoardLine(deployment, model_id, None, None, status, deployment.created_at, "")
    return BoardLine(
        deployment=deployment,
        model_id=deployment.model.model_id,
        version=revision.version.number,
        revision=revision.number,
        status=revision.status,
        since=revision.live_at or revision.created_at,
        endpoint=f"/api/v1/models/{deployment.model.model_id}/predict",
    )
