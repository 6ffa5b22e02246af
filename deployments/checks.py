"""What must hold before a version may be served: the classes that DEPLOY_CHECKS names."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final

from deployments.choices import Environment
from deployments.exceptions import DeployChecksFailed, DigestDiffers, DigestRequired, StageRequired
from deployments.models import Deployment
from hokusai.core.providers import load_hooks
from registry.choices import ArtifactState, Stage
from registry.models import ModelVersion

SHOWN = 16
# Archived is not a stage that one reaches.
ORDER: Final = (Stage.NONE, Stage.DEVELOPMENT, Stage.STAGING, Stage.PRODUCTION)


@dataclass(frozen=True, slots=True)
class PlacePolicy:
    """What a place asks of the versions that it serves."""

    environment: str
    required_stage: str
    require_digest: bool


# What an environment asks at least; a place may ask for more.
LEAST: Final = {
    Environment.DEVELOPMENT: PlacePolicy(Environment.DEVELOPMENT, Stage.NONE, False),
    Environment.STAGING: PlacePolicy(Environment.STAGING, Stage.STAGING, False),
    Environment.PRODUCTION: PlacePolicy(Environment.PRODUCTION, Stage.PRODUCTION, True),
}


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """Who wants what where. `digest`: of the bytes meant, as far as stated."""

    version: ModelVersion
    policy: PlacePolicy
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `reason` says what to do where it failed.

    One that is not `blocking` is worth knowing, and keeps nobody from deploying.
    """

    check: str
    passed: bool
    reason: str = ""
    blocking: bool = True


class DeployCheck(ABC):
    """One rule that a version must pass before each deployment."""

    name: ClassVar[str]
    error: ClassVar[type[DeployChecksFailed]] = DeployChecksFailed

    @abstractmethod
    def look_at(self, request: DeployRequest) -> Finding:
        """Read only: called inside the transaction that deploys."""


class ArtifactReady(DeployCheck):
    """The version's bytes are in the store under a digest, and it was not archived."""

    name = "artifact_ready"

    def look_at(self, request: DeployRequest) -> Finding:
        version = request.version
        if version.artifact_state != ArtifactState.READY or not version.tree_digest:
            state = version.artifact_state
            return Finding(self.name, False, f"The artifact of {version} is {state}, not ready.")
        if version.stage == Stage.ARCHIVED:
            return Finding(self.name, False, f"{version} was archived.")
        return Finding(self.name, True)


class StageReached(DeployCheck):
    """The version was promoted as far as the place asks, or further."""

    name = "stage_reached"
    error = StageRequired

    def look_at(self, request: DeployRequest) -> Finding:
        version, policy = request.version, request.policy
        if _rank(version.stage) >= _rank(policy.required_stage):
            return Finding(self.name, True)
        return Finding(
            self.name,
            False,
            f"{version} is in stage {version.stage}; a place of environment {policy.environment} "
            f"serves versions from stage {policy.required_stage} on. Promote it first, or deploy "
            "it to another place.",
        )


class DigestStated(DeployCheck):
    """Whoever deploys says which bytes are meant, where the place asks for it."""

    name = "digest_stated"
    error = DigestRequired

    def look_at(self, request: DeployRequest) -> Finding:
        if request.digest or not request.policy.require_digest:
            return Finding(self.name, True)
        return Finding(
            self.name,
            False,
            "This place asks for the digest of the bytes meant: state the version's tree digest "
            "as `digest`.",
        )


def policy_of(deployment: Deployment) -> PlacePolicy:
    """What an existing place asks."""
    return PlacePolicy(deployment.environment, deployment.required_stage, deployment.require_digest)


def least_policy(slug: str, environment: str | None) -> PlacePolicy:
    """What a new place of this name asks.

    The environment is the one stated, else the one that the name names, else development.
    """
    named = Environment(slug) if slug in Environment.values else Environment.DEVELOPMENT
    return LEAST[Environment(environment) if environment else named]


def falls_short(policy: PlacePolicy) -> bool:
    """Whether a policy asks for less than its environment does."""
    least = LEAST[Environment(policy.environment)]
    stage_short = _rank(policy.required_stage) < _rank(least.required_stage)
    return stage_short or (least.require_digest and not policy.require_digest)


def findings_on(request: DeployRequest) -> list[Finding]:
    """What every check found, whether the stated digest is the version's among them."""
    return [
        _digest_finding(request),
        *(check.look_at(request) for check in load_hooks("DEPLOY_CHECKS")),
    ]


def require_deployable(request: DeployRequest) -> None:
    """Raises DigestDiffers, or DeployChecksFailed with every check that failed.

    Where one check failed the error is that check's own.
    """
    digest = _digest_finding(request)
    if not digest.passed:
        raise DigestDiffers(digest.reason, failed={digest.check: digest.reason})
    failed: dict[str, str] = {}
    kinds: list[type[DeployChecksFailed]] = []
    for check in load_hooks("DEPLOY_CHECKS"):
        finding = check.look_at(request)
        if not finding.passed and finding.blocking:
            failed[finding.check] = finding.reason
            kinds.append(check.error)
    if failed:
        kind = kinds[0] if len(kinds) == 1 else DeployChecksFailed
        raise kind(" ".join(failed.values()), failed=failed)


def require_restorable(version: ModelVersion, digest: str) -> None:
    """What a roll-back asks of a version that served here before.

    Not its stage: promoting its successor displaced it. Raises DeployChecksFailed.
    """
    reason = ""
    if version.artifact_state != ArtifactState.READY or version.tree_digest != digest:
        reason = f"The bytes of {version} are not in the store any more."
    elif version.deprecated_at is not None:
        reason = f"{version} was retired; deploy its successor instead."
    if reason:
        raise DeployChecksFailed(reason, failed={"restorable": reason})


def _digest_finding(request: DeployRequest) -> Finding:
    stated, held = request.digest, request.version.tree_digest
    if not stated or stated == held:
        return Finding("digest_matches", True)
    return Finding(
        "digest_matches",
        False,
        f"The digest stated is not that of {request.version}, which is {held[:SHOWN]}…: see "
        "which version you mean.",
    )


def _rank(stage: str) -> int:
    return ORDER.index(Stage(stage)) if stage in ORDER else -1
