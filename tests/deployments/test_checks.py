import pytest

from deployments.checks import (
    LEAST,
    ArtifactReady,
    DeployCheck,
    DeployRequest,
    Finding,
    PlacePolicy,
    StageReached,
    falls_short,
    findings_on,
    require_deployable,
)
from deployments.choices import Environment
from deployments.exceptions import DeployChecksFailed
from registry.choices import Stage
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db
TRIAL = LEAST[Environment.DEVELOPMENT]


class Never(DeployCheck):
    name = "never"

    def look_at(self, request):
        return Finding(self.name, False, "Not today.")


class Advice(DeployCheck):
    name = "advice"

    def look_at(self, request):
        return Finding(self.name, False, "Rather not.", blocking=False)


def test_every_check_that_failed_is_named(settings):
    settings.DEPLOY_CHECKS = ["deployments.checks.ArtifactReady", f"{__name__}.Never"]
    version = ModelVersionFactory(artifact_state="failed", tree_digest="")
    with pytest.raises(DeployChecksFailed) as caught:
        require_deployable(DeployRequest(version, TRIAL))
    assert set(caught.value.context["failed"]) == {"artifact_ready", "never"}


def test_advice_is_shown_and_keeps_nobody_from_deploying(settings):
    settings.DEPLOY_CHECKS = [f"{__name__}.Advice"]
    request = DeployRequest(ModelVersionFactory(), TRIAL)
    require_deployable(request)
    assert "advice" in {finding.check for finding in findings_on(request) if not finding.passed}


def test_a_ready_version_passes():
    assert ArtifactReady().look_at(DeployRequest(ModelVersionFactory(), TRIAL)).passed


@pytest.mark.parametrize(
    ("stage", "required", "passes"),
    [
        ("none", "none", True),
        ("development", "staging", False),
        ("staging", "staging", True),
        ("production", "staging", True),
        ("archived", "development", False),
    ],
)
def test_a_stage_is_reached_from_there_on(stage, required, passes):
    policy = PlacePolicy("staging", required, require_digest=False)
    request = DeployRequest(ModelVersionFactory(stage=stage), policy)
    assert StageReached().look_at(request).passed is passes


@pytest.mark.parametrize("environment", Environment)
def test_no_environment_falls_short_of_itself(environment):
    assert not falls_short(LEAST[environment])


def test_less_than_an_environment_asks_falls_short():
    assert falls_short(PlacePolicy(Environment.STAGING, Stage.DEVELOPMENT, require_digest=True))
    assert falls_short(PlacePolicy(Environment.PRODUCTION, Stage.PRODUCTION, require_digest=False))
