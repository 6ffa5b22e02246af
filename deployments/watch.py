"""Keeping what serves and what the rows say the same."""

from collections.abc import Iterable
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from deployments import endpoints, serving_stats, switching
from deployments.choices import KEPT, RevisionStatus
from deployments.endpoints import Target
from deployments.models import Revision
from deployments.providers import (
    Capability,
    DeploymentProvider,
    InvalidSpec,
    ProviderNotFound,
    providers,
)
from hokusai.core.errors import DomainError, OutsideError, OutsideUnavailable

log = structlog.get_logger(__name__)
CONTROL_S = 30.0
# A look that has to wait is skipped: the next one comes in a moment.
LOOK_S = 3.0
WITH_PROCESS = (RevisionStatus.STARTING, *KEPT)
ID_PREFIX = "rev_"


@dataclass(frozen=True, slots=True)
class Watched:
    """Revisions that were served again, and processes that no row asked for."""

    served_again: tuple[str, ...]
    ended: tuple[str, ...]


def watch_revisions() -> Watched:
    """Serve every revision that should be there and is not, and end what no row asks for.

    What its provider was told of memory, latency and idling is told again where that changed.
    """
    again: list[str] = []
    ended: list[str] = []
    for alias in providers:
        provider = providers[alias]
        try:
            serving = provider.serving(timeout_s=CONTROL_S)
            again += _serve_missing(alias, serving)
            ended += _end_strays(provider, serving)
        except OutsideUnavailable as error:
            log.warning("provider_silent", provider=alias, error=str(error))
    return Watched(tuple(again), tuple(ended))


def serve_as_told(deployment_id: str) -> None:
    """Tell the provider of a deployment's revisions what changed of its policy."""
    for public_id in _changed(_kept().filter(deployment__public_id=deployment_id)):
        _try_again(public_id)


def look_at_providers() -> None:
    """Keep for the pages what every provider says of itself and of what it serves."""
    for alias in providers:
        provider = providers[alias]
        try:
            health = provider.health(timeout_s=LOOK_S)
            replicas = []
            if Capability.STATS in provider.capabilities:
                replicas = provider.stats(timeout_s=LOOK_S)
            serving_stats.keep(
                alias, health, [one for one in replicas if one.revision_id.startswith(ID_PREFIX)]
            )
        except (OutsideError, redis.RedisError) as error:
            log.warning("provider_not_seen", provider=alias, error=str(error))


def serve_again(target: Target) -> str:
    """Start the process of a live or kept revision once more; its handle.

    Raises OutsideUnavailable, or InvalidSpec where its bytes are gone.
    """
    provider = providers[target.provider]
    endpoint = provider.deploy(target.spec, timeout_s=settings.SERVE_TIMEOUT_S)
    kept = Revision.objects.kept().filter(public_id=target.revision_id)
    changes = {"endpoint": endpoint.handle, "error": "", "served_with": target.served_with}
    if not kept.update(**changes):
        # It was retired meanwhile: no process without a row.
        provider.stop(target.revision_id, timeout_s=CONTROL_S)
        raise ProviderNotFound("This revision was retired a moment ago.")
    if endpoint.handle != target.handle:
        endpoints.outdate(target.model_id)
    return endpoint.handle


def _kept() -> "QuerySet[Revision]":
    return Revision.objects.kept().select_related("deployment")


def _changed(revisions: "QuerySet[Revision]") -> list[str]:
    """Of those, whose provider was told something else than their deployment says now."""
    return [
        revision.public_id
        for revision in revisions
        if revision.served_with != endpoints.told(endpoints.policy_of(revision.deployment))
    ]


def _serve_missing(alias: str, serving: frozenset[str]) -> list[str]:
    kept = _kept().filter(deployment__provider=alias)
    missing = kept.exclude(public_id__in=serving).values_list("public_id", flat=True)
    wanted = {*missing, *_changed(kept)}
    # Live ones first: they are asked now.
    order = kept.filter(public_id__in=wanted).order_by("status", "id")
    return [one for one in order.values_list("public_id", flat=True) if _try_again(one)]


def _try_again(public_id: str) -> bool:
    # One that cannot be served must not keep the others from it; the row tells why.
    try:
        serve_again(endpoints.target_of_revision(public_id))
    except InvalidSpec as error:
        _give_up(public_id, str(error))
        return False
    except DomainError as error:
        Revision.objects.kept().filter(public_id=public_id).update(error=str(error))
        log.warning("revision_not_served", revision=public_id, error=str(error))
        return False
    return True


@transaction.atomic
def _give_up(public_id: str, reason: str) -> None:
    """A row that no provider will serve does not go on saying that it serves."""
    revision = switching.locked_revision(public_id)
    if revision is not None and revision.status in KEPT:
        switching.fail(revision, reason)


def _end_strays(provider: DeploymentProvider, serving: Iterable[str]) -> list[str]:
    candidates = {public_id for public_id in serving if public_id.startswith(ID_PREFIX)}
    kept = Revision.objects.filter(public_id__in=candidates, status__in=WITH_PROCESS)
    strays = sorted(candidates - set(kept.values_list("public_id", flat=True)))
    for public_id in strays:
        provider.stop(public_id, timeout_s=CONTROL_S)
    return strays
