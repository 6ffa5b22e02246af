from typing import Any

import pytest
from django.urls import reverse

from deployments.choices import RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.accounts.choices import Role
from hokusai.web.forms import LOOK
from registry.choices import ArtifactState, ConversionVerdict, Stage
from registry.models import ModelVersion, OnnxConversion
from tests.factories import DeploymentFactory, ModelVersionFactory, ProjectFactory, RevisionFactory
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory(model__project=ProjectFactory(), stage=Stage.PRODUCTION)


@pytest.fixture
def engineer(version: ModelVersion) -> Staff:
    return staff_in(version.project, Role.ENGINEER)


def address(version: ModelVersion) -> str:
    return reverse("admin:registry_modelversion_deploy", args=[version.pk])


def send(staff: Staff, version: ModelVersion, **typed: str) -> Any:
    stated = {
        "slug": "production",
        "provider": "local",
        "environment": "",
        "digest": version.tree_digest,
    }
    return staff.client.post(address(version), {**SENT, **stated, **typed})


def test_a_version_is_deployed_from_its_page(engineer: Staff, version: ModelVersion) -> None:
    assert "HX-Redirect" in send(engineer, version)
    assert Deployment.objects.get(model=version.model).environment == "production"


def test_the_dialog_proposes_the_place_of_the_stage_and_the_digest(
    engineer: Staff, version: ModelVersion
) -> None:
    said = engineer.client.get(address(version)).content.decode()
    assert 'value="production"' in said
    assert f'value="{version.tree_digest}"' in said
    assert "is a new place" in said


def test_the_dialog_names_what_is_replaced(engineer: Staff, version: ModelVersion) -> None:
    live = RevisionFactory(
        deployment__model=version.model,
        deployment__environment="production",
        version__stage=Stage.ARCHIVED,
        status=RevisionStatus.LIVE,
    )
    said = engineer.client.get(address(version)).content.decode()
    assert f"Takes the place of v{live.version.number}" in said


def test_production_without_the_digest_is_refused_and_keeps_what_was_typed(
    engineer: Staff, version: ModelVersion
) -> None:
    answer = send(engineer, version, digest="", slug="eu-west", environment="production")
    assert "HX-Redirect" not in answer
    said = answer.content.decode()
    assert "state the version" in said
    assert 'value="eu-west"' in said
    assert not Revision.objects.exists()


def test_a_version_that_was_not_promoted_is_refused_with_the_reason(engineer: Staff) -> None:
    version = ModelVersionFactory(
        model__project=engineer.user.memberships.get().project, stage=Stage.DEVELOPMENT
    )
    said = send(engineer, version).content.decode()
    assert "Promote it first" in said
    assert not Revision.objects.exists()


def test_a_look_shows_the_checks_of_what_is_typed_and_deploys_nothing(
    engineer: Staff, version: ModelVersion
) -> None:
    DeploymentFactory(model=version.model, slug="canary", environment="staging")
    answer = send(engineer, version, **{LOOK: "1", "slug": "canary", "digest": "ab" * 32})
    said = answer.content.decode()
    assert "is there already, for staging" in said
    assert "is not that of" in said
    assert not Revision.objects.exists()


def test_a_look_at_a_name_that_is_none_is_answered(engineer: Staff, version: ModelVersion) -> None:
    assert send(engineer, version, **{LOOK: "1", "slug": "no name!"}).status_code == 200


def test_a_viewer_deploys_nothing(version: ModelVersion) -> None:
    viewer = staff_in(version.project, Role.VIEWER)
    assert send(viewer, version).status_code == 403
    assert not Revision.objects.exists()


def test_a_version_without_files_is_not_offered_for_deployment(
    engineer: Staff, version: ModelVersion
) -> None:
    version.artifact_state = ArtifactState.PENDING
    version.save(update_fields=["artifact_state"])
    page = reverse("admin:registry_modelversion_change", args=[version.pk])
    assert address(version) not in engineer.client.get(page).content.decode()


def test_the_page_of_a_version_and_of_its_model_show_where_it_serves(
    engineer: Staff, version: ModelVersion
) -> None:
    live = RevisionFactory(
        deployment__model=version.model, version=version, status=RevisionStatus.LIVE
    )
    for obj, name in ((version, "modelversion"), (version.model, "model")):
        page = engineer.client.get(reverse(f"admin:registry_{name}_change", args=[obj.pk]))
        panels = {panel.title: panel for panel in page.context["page"].panels if panel}
        assert live.deployment.slug in str(panels["Serving"].context["rows"])


def test_the_dialog_tells_that_an_exact_onnx_runs_in_its_place(
    engineer: Staff, version: ModelVersion
) -> None:
    assert "made from it" not in engineer.client.get(address(version)).content.decode()
    OnnxConversion.objects.create(
        version=version, verdict=ConversionVerdict.EXACT, tree_digest="ab" * 32, rows=5
    )
    said = engineer.client.get(address(version)).content.decode()
    assert "Runs as the ONNX made from it, which answered the same on 5 rows." in said


def test_the_dialog_tells_why_an_onnx_is_not_used(engineer: Staff, version: ModelVersion) -> None:
    OnnxConversion.objects.create(
        version=version, verdict=ConversionVerdict.DIFFERS, reason="Row 2 differs."
    )
    said = engineer.client.get(address(version)).content.decode()
    assert "Its ONNX is not used: Row 2 differs." in said
