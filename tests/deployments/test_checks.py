import pytest

from deployments.checks import ArtifactReady, DeployCheck, Finding, require_deployable
from deployments.exceptions import DeployChecksFailed
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


class Never(DeployCheck):
    name = "never"

    def look_at(self, version):
        return Finding(self.name, False, "Not today.")


def test_every_check_that_failed_is_named(settings):
    settings.DEPLOY_CHECKS = ["deployments.checks.ArtifactReady", f"{__name__}.Never"]
    version = ModelVersionFactory(artifact_state="failed", tree_digest="")
    with pytest.raises(DeployChecksFailed) as caught:
        require_deployable(version)
    assert set(caught.value.context["failed"]) == {"artifact_ready", "never"}


def test_a_ready_version_passes():
    assert ArtifactReady().look_at(ModelVersionFactory()).passed
