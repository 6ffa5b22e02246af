"""Which revision answers for a model now, kept for at most a second by each process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Case, IntegerField, QuerySet, Value, When

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.exceptions import NotDeployed, Starting
from deployments.models import Deployment, Revision
from deployments.providers import ServeSpec

log = structlog.get_logger(__name__)
KEEP_S: Final = 1.0
KEPT_MAX: Final = 1024
RETRY_AFTER_S: Final = 2
MAIN: Final = "production"
CACHE_S: Final = 60


@dataclass(frozen=True, slots=True)
class ServingPolicy:
    """How a deployment is to answer; the fields of `Deployment` of the same names."""

    memory_bytes: int
    latency_budget_ms: float
    idle_s: int
    deadline_ms: int
    rate_per_minute: int | None
    # Seconds; 0: nothing is kept.
    cache_s: int
    log_sample: float
    log_payloads: bool
    log_every_row: bool
    redacted_columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Target:
    """The revision that answers, with all that an answer states of it."""

    project_id: int
    project: str
    model_id: str
    version: int
    digest: str
    deployment_id: str
    revision_id: str
    status: str
    provider: str
    handle: str
    converted_digest: str
    policy: ServingPolicy
    # Of a version that is retired: since when, until when, and the number of its successor.
    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    successor: int | None = None
    # Keys of the rows, for the prediction log.
    deployment_pk: int = 0
    revision_pk: int = 0

    @property
    def spec(self) -> ServeSpec:
        """What the provider is told to serve it."""
        return ServeSpec(
            revision_id=self.revision_id,
            project=self.project,
            tree_digest=self.digest,
            memory_bytes=self.policy.memory_bytes,
            converted_digest=self.converted_digest,
            latency_budget_ms=self.policy.latency_budget_ms,
            idle_s=self.policy.idle_s,
        )

    @property
    def served_with(self) -> str:
        """What of the policy the provider is told, in one line; kept on the revision."""
        return told(self.policy)


def target_of_model(model_id: str) -> Target | None:
    """The revision that answers for a model: the place `production` first, then the oldest."""
    return _first(Revision.objects.filter(deployment__model__model_id=model_id))


def target_of_deployment(public_id: str) -> Target | None:
    """The revision that answers for one deployment."""
    return _first(Revision.objects.filter(deployment__public_id=public_id))


def target_of_revision(public_id: str) -> Target:
    """One revision as a target, whatever its status."""
    return _target(_rows(Revision.objects.filter(public_id=public_id)).get())


def require_live(target: Target | None) -> Target:
    """The target. Raises NotDeployed, or Starting where it will answer soon."""
    if target is None:
        raise NotDeployed("No version of this model is deployed.")
    if target.status != RevisionStatus.LIVE:
        raise Starting("The first revision is starting.", retry_after_s=RETRY_AFTER_S)
    return target


def _first(revisions: "QuerySet[Revision]") -> Target | None:
    in_order = (
        revisions.filter(
            deployment__status=DeploymentStatus.ACTIVE,
            status__in=(RevisionStatus.LIVE, RevisionStatus.STARTING, RevisionStatus.PENDING),
        )
        .annotate(
            waits=_zero_when(status=RevisionStatus.LIVE), aside=_zero_when(deployment__slug=MAIN)
        )
        .order_by("waits", "aside", "deployment_id", "-number")
    )
    row = _rows(in_order).first()
    return None if row is None else _target(row)


def _zero_when(**condition: str) -> Case:
    return Case(When(**condition, then=Value(0)), default=Value(1), output_field=IntegerField())


def _rows(revisions: "QuerySet[Revision]") -> "QuerySet[Revision]":
    return revisions.select_related("version__successor", "deployment__model__project")


def _target(row: Revision) -> Target:
    deployment = row.deployment
    return Target(
        project_id=deployment.model.project_id,
        project=deployment.model.project.slug,
        model_id=deployment.model.model_id,
        version=row.version.number,
        digest=row.digest,
        deployment_id=deployment.public_id,
        revision_id=row.public_id,
        status=row.status,
        provider=deployment.provider,
        handle=row.endpoint,
        converted_digest=row.converted_digest,
        policy=policy_of(deployment),
        deprecated_at=row.version.deprecated_at,
        sunset_at=row.version.sunset_at,
        successor=row.version.successor.number if row.version.successor else None,
        deployment_pk=deployment.pk,
        revision_pk=row.pk,
    )


def told(policy: ServingPolicy) -> str:
    """What of a policy a provider is told, in one line."""
    return f"{policy.memory_bytes} {policy.latency_budget_ms:g} {policy.idle_s}"


def policy_of(deployment: Deployment) -> ServingPolicy:
    """The policy in force; a result of personal data is kept only where that is asked for."""
    cache_s = deployment.cache_s
    if cache_s is None:
        cache_s = 0 if deployment.personal_data else CACHE_S
    return ServingPolicy(
        memory_bytes=deployment.memory_bytes,
        latency_budget_ms=deployment.latency_budget_ms,
        idle_s=deployment.idle_s,
        deadline_ms=deployment.deadline_ms,
        rate_per_minute=deployment.rate_per_minute,
        cache_s=cache_s,
        log_sample=deployment.log_sample,
        log_payloads=deployment.log_payloads,
        log_every_row=deployment.log_every_row,
        redacted_columns=frozenset(deployment.redacted_columns),
    )


class TargetCache:
    """Targets by name, outdated by age or by another epoch. Thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes | None, Target | None]] = {}
        self._lock = threading.Lock()

    def get(
        self, name: str, epoch: bytes | None, load: Callable[[str], Target | None]
    ) -> Target | None:
        """The target of a name; `load` is called where none is kept that still holds."""
        kept = self._kept.get(name)
        if kept is not None and kept[0] > time.monotonic() and kept[1] == epoch:
            return kept[2]
        target = load(name)
        with self._lock:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[name] = (time.monotonic() + KEEP_S, epoch, target)
        return target


def epoch_key(model_id: str) -> str:
    """Where Redis counts how often a model's target changed."""
    return f"hot:epoch:{model_id}"


def outdate_on_commit(deployment: Deployment) -> None:
    """Let every process forget, once the transaction commits, who answers for a model."""
    model_id = deployment.model.model_id
    transaction.on_commit(lambda: outdate(model_id))


def outdate(model_id: str) -> None:
    """Let every process forget who answers for a model; without Redis that takes a second."""
    try:
        _redis().incr(epoch_key(model_id))
    except redis.RedisError as error:
        log.warning("epoch_not_raised", model_id=model_id, error=str(error))


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=settings.REDIS_TIMEOUT_S,
        socket_connect_timeout=settings.REDIS_TIMEOUT_S,
        retry=None,
    )
