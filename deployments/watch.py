"""Keeping what serves and what the rows say the same."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.conf import settings

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.endpoints import Target
from deployments.models import Revision
from deployments.providers import DeploymentProvider, providers
from hokusai.core.errors import OutsideError, OutsideUnavailable

log = structlog.get_logger(__name__)
CONTROL_S = 30.0
KEPT = (RevisionStatus.STARTING, RevisionStatus.LIVE)
ID_PREFIX = "rev_"


@dataclass(frozen=True, slots=True)
class Watched:
    """Revisions that were served again, and processes that no row asked for."""

    served_again: tuple[str, ...]
    ended: tuple[str, ...]


def watch_revisions() -> Watched:
    """Serve every live revision that is not served, and end what no row asks for."""
    again: list[str] = []
    ended: list[str] = []
    for alias in providers:
        provider = providers[alias]
        try:
            serving = provider.serving(timeout_s=CONTROL_S)
        except OutsideUnavailable as error:
            log.warning("provider_silent", provider=alias, error=str(error))
            continue
        again += _serve_missing(alias, serving)
        ended += _end_strays(provider, serving)
    return Watched(tuple(again), tuple(ended))


def serve_again(target: Target) -> str:
    """Start a live revision's process once more; its handle.

    Raises OutsideUnavailable, or DeployRefused where its bytes are gone.
    """
    provider = providers[target.provider]
    endpoint = provider.deploy(target.spec, timeout_s=settings.SERVE_TIMEOUT_S)
    live = Revision.objects.live().filter(public_id=target.revision_id)
    if not live.update(endpoint=endpoint.handle, error=""):
        # It was retired meanwhile: no process without a row.
        provider.stop(target.revision_id, timeout_s=CONTROL_S)
        raise OutsideUnavailable("This revision was retired a moment ago.")
    if endpoint.handle != target.handle:
        endpoints.outdate(target.model_id)
    return endpoint.handle


def _serve_missing(alias: str, serving: frozenset[str]) -> list[str]:
    live = Revision.objects.live().filter(deployment__provider=alias)
    missing = live.exclude(public_id__in=serving).values_list("public_id", flat=True)
    return [public_id for public_id in missing if _try_again(public_id)]


def _try_again(public_id: str) -> bool:
    try:
        serve_again(endpoints.target_of_revision(public_id))
    except OutsideError as error:
        # One that cannot be served must not keep the others from it; the row tells why.
        Revision.objects.live().filter(public_id=public_id).update(error=str(error))
        log.warning("revision_not_served", revision=public_id, error=str(error))
        return False
    return True


def _end_strays(provider: DeploymentProvider, serving: Iterable[str]) -> list[str]:
    candidates = {public_id for public_id in serving if public_id.startswith(ID_PREFIX)}
    kept = Revision.objects.filter(public_id__in=candidates, status__in=KEPT)
    strays = sorted(candidates - set(kept.values_list("public_id", flat=True)))
    for public_id in strays:
        provider.stop(public_id, timeout_s=CONTROL_S)
    return strays
