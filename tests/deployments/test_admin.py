import pytest
from django.urls import reverse

from deployments.choices import DeploymentStatus, RevisionStatus
from deployments.models import Deployment, Revision
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from tests.factories import (
    DeploymentFactory,
    ModelVersionFactory,
    ProjectFactory,
    RevisionFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


def test_a_deployment_is_stopped_by_post(engineer: Staff, project: Project) -> None:
    deployment = DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_stop", args=[deployment.pk])
    engineer.client.get(url)
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.ACTIVE
    assert "HX-Redirect" in engineer.client.post(url, SENT)
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.STOPPED


def test_a_viewer_stops_nothing(project: Project) -> None:
    viewer = staff_in(project, Role.VIEWER)
    deployment = DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_stop", args=[deployment.pk])
    assert viewer.client.post(url, SENT).status_code == 403


def test_rolling_back_without_an_earlier_revision_is_told(
    engineer: Staff, project: Project
) -> None:
    deployment = DeploymentFactory(model__project=project)
    url = reverse("admin:deployments_deployment_roll_back", args=[deployment.pk])
    engineer.client.post(url, SENT)
    assert not Revision.objects.exists()


def test_a_version_is_deployed_from_its_page(engineer: Staff, project: Project) -> None:
    version = ModelVersionFactory(model__project=project)
    url = reverse("admin:registry_modelversion_deploy", args=[version.pk])
    answer = engineer.client.post(url, {**SENT, "slug": "production", "provider": "local"})
    assert "HX-Redirect" in answer
    assert Deployment.objects.filter(model=version.model, slug="production").exists()


def test_a_page_of_a_deployment_refreshes_while_a_revision_starts(
    engineer: Staff, project: Project
) -> None:
    revision = RevisionFactory(deployment__model__project=project, status=RevisionStatus.STARTING)
    url = reverse("admin:deployments_deployment_change", args=[revision.deployment.pk])
    assert engineer.client.get(url).context["page"].refresh_s > 0


def test_a_revision_page_shows_why_it_failed(engineer: Staff, project: Project) -> None:
    revision = RevisionFactory(
        deployment__model__project=project, status=RevisionStatus.FAILED, error="Out of memory."
    )
    page = engineer.client.get(reverse("admin:deployments_revision_change", args=[revision.pk]))
    assert "Out of memory." in page.content.decode()
