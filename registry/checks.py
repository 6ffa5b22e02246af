from hokusai.core.errors import OutsideError
from hokusai.storage import stores
from registry.choices import ArtifactState
from registry.models import ModelVersion
from registry.promotion import CheckResult, PromotionCheck


class ArtifactVerified(PromotionCheck):
    """The stored bytes still have the digest under which the version was registered."""

    code = "artifact_verified"
    title = "Artifact matches its digest"

    def run(self, version: ModelVersion) -> CheckResult:
        if version.artifact_state != ArtifactState.READY:
            return CheckResult(False, f"The artifact is {version.artifact_state}.")
        try:
            manifest = stores["default"].verify_tree(version.tree_digest)
        except OutsideError as error:
            return CheckResult(False, str(error))
        return CheckResult(True, f"{len(manifest.files)} files match {version.tree_digest[:12]}….")
