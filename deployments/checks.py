"""What must hold before a version may be served: the classes that DEPLOY_CHECKS names."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from deployments.exceptions import DeployChecksFailed
from hokusai.core.providers import load_hooks
from registry.choices import ArtifactState, Stage
from registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `reason` says what to do where it failed."""

    check: str
    passed: bool
    reason: str = ""


class DeployCheck(ABC):
    """One rule that a version must pass before each deployment."""

    name: ClassVar[str]

    @abstractmethod
    def look_at(self, version: ModelVersion) -> Finding:
        """Read only: called inside the transaction that deploys."""


class ArtifactReady(DeployCheck):
    """The version's bytes are in the store under a digest, and it was not archived."""

    name = "artifact_ready"

    def look_at(self, version: ModelVersion) -> Finding:
        if version.artifact_state != ArtifactState.READY or not version.tree_digest:
            state = version.artifact_state
            return Finding(self.name, False, f"The artifact of {version} is {state}, not ready.")
        if version.stage == Stage.ARCHIVED:
            return Finding(self.name, False, f"{version} was archived.")
        return Finding(self.name, True)


def require_deployable(version: ModelVersion) -> None:
    """Raises DeployChecksFailed with every check that failed."""
    findings = [check.look_at(version) for check in load_hooks("DEPLOY_CHECKS")]
    failed = {finding.check: finding.reason for finding in findings if not finding.passed}
    if failed:
        raise DeployChecksFailed(" ".join(failed.values()), failed=failed)
