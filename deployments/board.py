"""What serves where, with the figures of the last seconds; for the board, pages and panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deployments import serving_stats
from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision
from deployments.serving_stats import ServingStats

OPEN: Final = (RevisionStatus.PENDING, RevisionStatus.STARTING)
WEAK_TIER: Final = "C"
EMPTY: Final = "empty"
_TRIED: Final = (*OPEN, RevisionStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """A deployment as it is now.

    `state`: stopped, live, starting, pending, failed or empty. `revision`: the live one, else the
    latest that is open or failed. `newer`: one that is to replace the live one, or that failed to.
    """

    deployment: Deployment
    state: str
    revision: Revision | None = None
    newer: Revision | None = None
    stats: ServingStats | None = None

    @property
    def since(self) -> datetime:
        """Since when it is so."""
        if self.revision is None:
            return self.deployment.created_at
        return self.revision.live_at or self.revision.created_at

    @property
    def live(self) -> bool:
        """Whether predictions are answered."""
        return self.state == RevisionStatus.LIVE


@dataclass(frozen=True, slots=True)
class Summary:
    """Several deployments together, and whether those who run them are silent or isolate weakly."""

    live: int
    failing: int
    requests_per_s: float
    memory_bytes: int
    silent: bool
    weak: bool


def standings(deployments: Sequence[Deployment]) -> dict[int, Standing]:
    """By primary key of the deployment; two queries and one look into Redis for all."""
    live, latest = _live_of(deployments), _latest_of(deployments)
    figures = serving_stats.of([row.public_id for row in live.values()]) if live else {}
    return {
        row.pk: _standing(row, live.get(row.pk), latest.get(row.pk), figures) for row in deployments
    }


def board_of(user: Any, limit: int) -> list[Standing]:
    """The newest deployments of a person's projects, those that are meant to serve first."""
    deployments = list(
        Deployment.objects.of_member(user)
        .select_related("model__project")
        .order_by("status", "-id")[:limit]
    )
    found = standings(deployments)
    return [found[deployment.pk] for deployment in deployments]


def summary(found: Sequence[Standing]) -> Summary:
    """Figures over several deployments, and what is wrong with where they run."""
    live = [one for one in found if one.live]
    health = [serving_stats.health_of(name) for name in {one.deployment.provider for one in live}]
    told = [one.stats for one in live if one.stats is not None]
    return Summary(
        live=len(live),
        failing=sum(_fails(one) for one in found),
        requests_per_s=sum(stats.requests_per_s for stats in told),
        memory_bytes=sum(stats.memory_bytes for stats in told),
        silent=any(said is None for said in health),
        weak=any(said is not None and said.tier == WEAK_TIER for said in health),
    )


def _fails(standing: Standing) -> bool:
    latest = standing.newer or standing.revision
    return latest is not None and latest.status == RevisionStatus.FAILED


def _live_of(deployments: Sequence[Deployment]) -> dict[int, Revision]:
    rows = Revision.objects.live().filter(deployment__in=[row.pk for row in deployments])
    return {row.deployment_id: row for row in rows.select_related("version__model")}


def _latest_of(deployments: Sequence[Deployment]) -> dict[int, Revision]:
    """The newest revision that is open or failed."""
    rows = (
        Revision.objects.filter(deployment__in=[row.pk for row in deployments], status__in=_TRIED)
        .select_related("version__model")
        .order_by("deployment_id", "-number")
        .distinct("deployment_id")
    )
    return {row.deployment_id: row for row in rows}


def _standing(
    deployment: Deployment,
    live: Revision | None,
    latest: Revision | None,
    figures: Mapping[str, ServingStats],
) -> Standing:
    if deployment.status == DeploymentStatus.STOPPED:
        return Standing(deployment, DeploymentStatus.STOPPED)
    if live is None:
        return Standing(deployment, latest.status if latest else EMPTY, latest)
    newer = latest if latest is not None and latest.number > live.number else None
    return Standing(deployment, live.status, live, newer, figures.get(live.public_id))
