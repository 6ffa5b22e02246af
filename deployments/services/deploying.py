from django.conf import settings
from django.db import transaction

from deployments import serving_stats
from deployments.checks import (
    DeployRequest,
    Finding,
    PlacePolicy,
    findings_on,
    least_policy,
    policy_of,
    require_deployable,
)
from deployments.choices import OPEN, DeploymentStatus, Environment, RevisionStatus
from deployments.examples import example_finding
from deployments.exceptions import AlreadyServed
from deployments.formats import format_of
from deployments.models import Deployment, Revision
from deployments.providers import ServeSpec, providers
from deployments.services.requesting import person, request_revision
from deployments.switching import locked_deployment
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor, record
from registry.models import ModelVersion

SERVING = (*OPEN, RevisionStatus.LIVE)


@transaction.atomic
def deploy(
    *,
    version: ModelVersion,
    actor: Actor,
    slug: str = "production",
    provider: str = "local",
    environment: str | None = None,
    digest: str = "",
) -> Revision:
    """Ask for a version to be served at a place, which is made when it is new.

    A new place gets the environment stated, else the one that its name says, else development,
    and asks what that environment asks: production a version in production whose digest is
    stated, staging one in staging or further. The version that serves now stays until the new one
    answers.

    Raises AlreadyServed; DigestDiffers, StageRequired, DigestRequired or their common
    DeployChecksFailed; InvalidInput for an unknown provider or environment; Conflict where the
    place has another.
    """
    user_id = person(actor)
    _require_known(provider, environment)
    deployment = _locked_place(
        version,
        slug=slug,
        provider=provider,
        environment=environment,
        actor=actor,
        user_id=user_id,
    )
    if reason := _differs(deployment, provider, environment):
        raise Conflict(reason, provider=deployment.provider, environment=deployment.environment)
    require_deployable(DeployRequest(version, policy_of(deployment), digest))
    if _is_served(deployment, version):
        raise AlreadyServed(f"{deployment} serves {version} already, or is about to.")
    if deployment.status == DeploymentStatus.STOPPED:
        deployment.move_to(DeploymentStatus.ACTIVE)
        deployment.save(update_fields=["status"])
    return request_revision(deployment, version, actor)


def validate_deployment(
    *,
    version: ModelVersion,
    slug: str = "production",
    environment: str | None = None,
    provider: str = "local",
    digest: str = "",
) -> list[Finding]:
    """What would be found if this were deployed now; changes nothing and calls nobody.

    Raises InvalidInput for an unknown provider or environment.
    """
    _require_known(provider, environment)
    place = Deployment.objects.filter(model_id=version.model_id, slug=slug).first()
    policy = policy_of(place) if place else least_policy(slug, environment)
    findings = findings_on(DeployRequest(version, policy, digest))
    if place is not None:
        findings.append(_place_finding(place, version, provider, environment))
    findings.append(_provider_finding(version, policy, place, provider))
    findings.append(example_finding(version))
    return findings


def _require_known(provider: str, environment: str | None) -> None:
    if provider not in providers:
        raise InvalidInput(f"There is no provider {provider!r}.", known=sorted(providers))
    if environment is not None and environment not in Environment.values:
        raise InvalidInput(
            f"There is no environment {environment!r}.", known=sorted(Environment.values)
        )


def _locked_place(
    version: ModelVersion,
    *,
    slug: str,
    provider: str,
    environment: str | None,
    actor: Actor,
    user_id: int,
) -> Deployment:
    policy = least_policy(slug, environment)
    asked = {
        "provider": provider,
        "environment": policy.environment,
        "required_stage": policy.required_stage,
        "require_digest": policy.require_digest,
        "memory_bytes": settings.SERVING_MEMORY_BYTES,
    }
    place, made = Deployment.objects.get_or_create(
        model_id=version.model_id, slug=slug, defaults={**asked, "created_by_id": user_id}
    )
    deployment = locked_deployment(place.pk)
    if made:
        record(
            "deployment:created",
            subject=deployment.public_id,
            actor=actor,
            project_id=deployment.model.project_id,
            label=str(deployment),
            after=asked,
        )
    return deployment


def _differs(place: Deployment, provider: str, environment: str | None) -> str:
    """Why a place cannot be used as asked; empty where it can."""
    if place.provider != provider:
        return f"{place} is served by {place.provider}; choose another name."
    if environment is not None and place.environment != environment:
        return f"{place} is a place of environment {place.environment}; choose another name."
    return ""


def _is_served(place: Deployment, version: ModelVersion) -> bool:
    return place.revisions.filter(status__in=SERVING, version=version).exists()


def _place_finding(
    place: Deployment, version: ModelVersion, provider: str, environment: str | None
) -> Finding:
    reason = _differs(place, provider, environment)
    if not reason and _is_served(place, version):
        reason = f"{place} serves {version} already, or is about to."
    return Finding("place", not reason, reason)


def _provider_finding(
    version: ModelVersion, policy: PlacePolicy, place: Deployment | None, provider: str
) -> Finding:
    spec = ServeSpec(
        revision_id="",
        project=version.project.slug,
        tree_digest=version.tree_digest,
        memory_bytes=place.memory_bytes if place else settings.SERVING_MEMORY_BYTES,
        format=format_of(version),
    )
    health = serving_stats.health_of(provider)
    problems = providers[provider].validate(spec, health)
    # What is not known yet keeps nobody: the rollout finds out, and says so.
    return Finding("provider", not problems, " ".join(problems), blocking=health is not None)
