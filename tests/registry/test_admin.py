import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project
from hokusai.core.models import Event
from registry.choices import ArtifactState, PromotionStatus, Stage
from registry.models import Dataset, DatasetVersion, Model, ModelVersion, Promotion
from tests.factories import (
    DatasetFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    PromotionFactory,
)
from tests.staff import SENT, Staff, staff_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return ProjectFactory()


@pytest.fixture
def engineer(project: Project) -> Staff:
    return staff_in(project, Role.ENGINEER)


@pytest.fixture
def version(project: Project) -> ModelVersion:
    return ModelVersionFactory(model__project=project)


def act(client: Client, name: str, obj: object, **data: str) -> object:
    return client.post(reverse(f"admin:registry_{name}", args=[obj.pk]), {**SENT, **data})


def test_a_promotion_is_asked_for_by_post(engineer: Staff, version: ModelVersion) -> None:
    answer = act(engineer.client, "modelversion_promote", version, target="staging", comment="go")
    promotion = Promotion.objects.get(version=version)
    assert (promotion.target, promotion.requested_by) == (Stage.STAGING, engineer.user)
    assert answer["HX-Redirect"] == reverse("admin:registry_modelversion_change", args=[version.pk])


def test_the_dialog_asks_and_changes_nothing(engineer: Staff, version: ModelVersion) -> None:
    url = reverse("admin:registry_modelversion_promote", args=[version.pk])
    answer = engineer.client.get(url, {**SENT, "target": "staging"})
    assert 'id="dialog"' in answer.content.decode()
    assert not Promotion.objects.exists()


def test_a_viewer_may_not_ask_for_promotion(project: Project, version: ModelVersion) -> None:
    viewer = staff_in(project, Role.VIEWER)
    assert act(viewer.client, "modelversion_promote", version, target="staging").status_code == 403
    page = viewer.client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))
    assert page.context["actions_detail"] == []


def test_staff_of_another_project_act_on_nothing(version: ModelVersion) -> None:
    other = staff_in(ProjectFactory(), Role.OWNER)
    assert act(other.client, "modelversion_promote", version, target="staging").status_code == 404


def test_what_a_version_cannot_do_yet_is_not_offered(engineer: Staff, project: Project) -> None:
    pending = ModelVersionFactory(
        model__project=project, artifact_state=ArtifactState.PENDING, tree_digest=""
    )
    page = engineer.client.get(reverse("admin:registry_modelversion_change", args=[pending.pk]))
    offered = {action["title"] for action in page.context["actions_detail"]}
    assert not offered & {"Promote", "Evaluate", "Deploy"}


def test_higher_apps_put_their_actions_on_a_version(engineer: Staff, version: ModelVersion) -> None:
    page = engineer.client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))
    offered = {action["title"] for action in page.context["actions_detail"]}
    assert {"Promote", "Evaluate", "Deploy"} <= offered


def test_whoever_asked_may_not_approve_and_is_told(project: Project) -> None:
    owner = staff_in(project, Role.OWNER)
    promotion = PromotionFactory(version__model__project=project, requested_by=owner.user)
    answer = act(owner.client, "promotion_approve", promotion, comment="")
    promotion.refresh_from_db()
    assert promotion.status == PromotionStatus.REQUESTED
    page = owner.client.get(answer["HX-Redirect"])
    assert "somebody without a part in it" in page.content.decode()


def test_a_reviewer_refuses_with_a_reason(project: Project) -> None:
    reviewer = staff_in(project, Role.REVIEWER)
    promotion = PromotionFactory(version__model__project=project)
    act(reviewer.client, "promotion_refuse", promotion, comment="too slow")
    promotion.refresh_from_db()
    assert promotion.status == PromotionStatus.REFUSED
    assert promotion.decision_comment == "too slow"


def test_a_decided_promotion_offers_no_decision(project: Project) -> None:
    reviewer = staff_in(project, Role.REVIEWER)
    promotion = PromotionFactory(version__model__project=project, status=PromotionStatus.REFUSED)
    page = reviewer.client.get(reverse("admin:registry_promotion_change", args=[promotion.pk]))
    assert page.context["actions_detail"] == []


def test_tags_are_set_line_by_line(engineer: Staff, version: ModelVersion) -> None:
    act(engineer.client, "modelversion_tag", version, tags="team=vision\n\n lang = en ")
    assert dict(version.tags.values_list("key", "value")) == {"team": "vision", "lang": "en"}


def test_a_line_without_equals_keeps_the_dialog_open(
    engineer: Staff, version: ModelVersion
) -> None:
    answer = act(engineer.client, "modelversion_tag", version, tags="team")
    assert "Not key=value" in answer.content.decode()
    assert not version.tags.exists()


def test_a_model_is_made_through_its_service(engineer: Staff, project: Project) -> None:
    engineer.client.post(
        reverse("admin:registry_model_add"),
        {"project": project.pk, "slug": "waves", "name": "波", "task": "classification"},
    )
    model = Model.objects.get(project=project, slug="waves")
    assert model.model_id == f"{project.slug}.waves"
    assert Event.objects.filter(tag="model:created", subject=model.public_id).exists()


def test_a_model_of_a_project_of_others_is_refused(engineer: Staff) -> None:
    other = ProjectFactory()
    answer = engineer.client.post(
        reverse("admin:registry_model_add"),
        {"project": other.pk, "slug": "waves", "name": "x", "task": "classification"},
    )
    assert "Select a valid choice" in answer.content.decode()
    assert not Model.objects.exists()


def test_a_table_is_uploaded_to_a_dataset(engineer: Staff, project: Project) -> None:
    dataset = DatasetFactory(project=project)
    engineer.client.post(
        reverse("admin:registry_datasetversion_add"),
        {
            "dataset": dataset.pk,
            "file": SimpleUploadedFile("rows.csv", b"x,label\n1,0\n2,1\n"),
            "file_format": "csv",
            "label_column": "label",
            "access": "members",
        },
    )
    version = DatasetVersion.objects.get(dataset=dataset)
    assert version.uploaded_by == engineer.user


def test_looking_up_datasets_offers_only_ones_own(engineer: Staff, project: Project) -> None:
    own = DatasetFactory(project=project)
    DatasetFactory()
    answer = engineer.client.get(
        reverse("admin:autocomplete"),
        {"app_label": "registry", "model_name": "datasetversion", "field_name": "dataset"},
    )
    assert [found["id"] for found in answer.json()["results"]] == [str(own.pk)]
    assert Dataset.objects.count() == 2


def test_a_model_page_draws_its_metrics_over_versions(engineer: Staff, project: Project) -> None:
    model = ModelFactory(project=project)
    for number, score in enumerate((0.8, 0.9), 1):
        ModelVersionFactory(model=model, number=number, metrics={"accuracy": score})
    page = engineer.client.get(reverse("admin:registry_model_change", args=[model.pk]))
    panels = {panel.title: panel for panel in page.context["page"].panels if panel}
    history = panels["accuracy over versions"].context["data"]
    assert [point["score"] for point in history["points"]] == [0.8, 0.9]
