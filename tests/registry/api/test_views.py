from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from hokusai.core.models import Job
from registry.choices import ArtifactState, SyncState
from registry.models import Model, ModelVersion
from tests.factories import (
    DatasetFactory,
    DatasetVersionFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    PromotionFactory,
    VersionTagFactory,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
SOURCE = f"runs:/{'0' * 32}/model"


def registration(project: Any, **fields: Any) -> dict[str, Any]:
    return {"project": project.slug, "model": "forecast", "source": SOURCE, **fields}


def test_registering_answers_at_once_with_everything_pending() -> None:
    project = ProjectFactory()
    body = registration(project, metrics={"accuracy": 0.9}, tags={"team": "a"}, run_id="0" * 32)
    answer = client_as(project).post("/api/v1/models/register", body)
    made = answer.json()
    assert answer.status_code == 201
    assert made["model_id"] == f"{project.slug}.forecast"
    assert made["number"] == 1
    assert (made["artifact_state"], made["sync_state"]) == (
        ArtifactState.PENDING,
        SyncState.PENDING,
    )
    assert made["tags"] == {"team": "a"}
    assert Job.objects.filter(kind="artifact_copy", subject=made["id"]).exists()


@pytest.mark.parametrize("by", ["number", "id"])
def test_a_parent_is_named_by_number_or_id(by: str) -> None:
    parent = ModelVersionFactory(model__slug="forecast")
    project = parent.project
    wish = str(parent.number) if by == "number" else parent.public_id
    answer = client_as(project).post("/api/v1/models/register", registration(project, parent=wish))
    assert answer.json()["parent"] == parent.number


def test_a_parent_may_be_of_another_model_of_the_project() -> None:
    other = ModelVersionFactory()
    body = registration(other.project, parent=other.public_id)
    made = client_as(other.project).post("/api/v1/models/register", body).json()
    assert (made["parent"], made["parent_id"]) == (None, other.public_id)


def test_a_hidden_parent_is_as_if_absent_and_one_of_a_public_project_refused() -> None:
    hidden, shown = ModelVersionFactory(), ModelVersionFactory(model__project__visibility="public")
    project = ProjectFactory()
    for parent, status in ((hidden, 404), (shown, 403)):
        body = registration(project, parent=parent.public_id)
        assert client_as(project).post("/api/v1/models/register", body).status_code == status
    assert not Model.objects.filter(slug="forecast").exists()


def test_training_data_is_kept_with_the_version() -> None:
    project = ProjectFactory()
    data = DatasetVersionFactory(dataset__project=project)
    body = registration(project, training_data=[data.public_id])
    made = client_as(project).post("/api/v1/models/register", body).json()
    assert list(ModelVersion.objects.get(public_id=made["id"]).training_data.all()) == [data]


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "file:///etc/passwd"},
        {"source": "http://example.org/model"},
        {"metrics": {"accuracy": "NaN"}},
        {"metrics": {"accuracy": "inf"}},
        {"tags": {"": "empty"}},
        {"tags": {"k" * 101: "long"}},
        {"tags": {"nul\0": "unkept"}},
        {"metrics": {"nul\0": 1.0}},
        {"parameters": {"k" * 251: "long"}},
        {"contributions": ["dsv_1"]},
        {"model": "Forecast"},
        {"run_id": "a/b"},
    ],
)
def test_what_cannot_be_registered_is_refused(wrong: dict[str, Any]) -> None:
    project = ProjectFactory()
    answer = client_as(project).post("/api/v1/models/register", registration(project, **wrong))
    assert answer.status_code == 400
    assert not ModelVersion.objects.exists()


def test_contributions_are_training_data_by_another_name() -> None:
    project = ProjectFactory()
    body = registration(project, contributions=[f"ctr_{'0' * 32}"])
    answer = client_as(project).post("/api/v1/models/register", body)
    assert answer.status_code == 400
    assert f"ctr_{'0' * 32}" in str(answer.json())


def test_ids_of_models_contain_a_dot() -> None:
    model = ModelFactory()
    answer = client_as(model.project).get(f"/api/v1/models/{model.model_id}")
    assert answer.json()["model_id"] == model.model_id


def test_versions_are_found_by_all_of_their_tags() -> None:
    wanted = ModelVersionFactory()
    other = ModelVersionFactory(model=wanted.model)
    for key in ("a", "b"):
        VersionTagFactory(version=wanted, key=key, value="1")
    VersionTagFactory(version=other, key="a", value="1")
    client = client_as(wanted.project)
    url = f"/api/v1/models/{wanted.model.model_id}/versions"
    found = client.get(f"{url}?tag=a=1&tag=b=1").json()["results"]
    assert [row["number"] for row in found] == [wanted.number]
    assert len(client.get(f"{url}?tag=a=1").json()["results"]) == 2
    assert client.get(f"{url}?tag=nothing").status_code == 400


def test_tags_are_set_and_others_stay() -> None:
    version = VersionTagFactory(key="old", value="1").version
    url = f"/api/v1/models/{version.model.model_id}/versions/{version.number}/tags"
    answer = client_as(version.project).put(url, {"tags": {"new": "2"}})
    assert answer.json()["tags"] == {"old": "1", "new": "2"}


def test_a_promotion_is_asked_for_by_one_and_refused_by_another() -> None:
    version = ModelVersionFactory()
    url = f"/api/v1/models/{version.model.model_id}/versions/{version.number}/promotions"
    made = client_as(version.project).post(url, {"target": "staging", "comment": "try"})
    assert made.status_code == 201
    assert made.json()["status"] == "requested"
    reviewer = client_as(version.project, "reviewer")
    refused = reviewer.post(f"{url}/{made.json()['id']}/refuse", {"comment": "not yet"})
    assert refused.json()["status"] == "refused"
    assert refused.json()["decision_comment"] == "not yet"
    again = reviewer.post(f"{url}/{made.json()['id']}/refuse", {})
    assert again.status_code == 409


def test_whoever_asked_does_not_approve() -> None:
    promotion = PromotionFactory()
    owner = member(promotion.project, "owner")
    promotion.requested_by = owner
    promotion.save()
    version = promotion.version
    url = f"/api/v1/models/{version.model.model_id}/versions/{version.number}/promotions"
    answer = client_of(owner).post(f"{url}/{promotion.public_id}/approve", {})
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_independent"


def test_a_promotion_belongs_to_the_version_in_its_path() -> None:
    promotion = PromotionFactory()
    other = ModelVersionFactory(model=promotion.version.model)
    url = f"/api/v1/models/{other.model.model_id}/versions/{other.number}/promotions"
    client = client_as(promotion.project, "reviewer")
    assert client.post(f"{url}/{promotion.public_id}/refuse", {}).status_code == 404


def test_the_review_queue_lists_what_waits() -> None:
    promotion = PromotionFactory()
    PromotionFactory(version__model__project=promotion.project, status="cancelled")
    client = client_as(promotion.project, "reviewer")
    waiting = client.get("/api/v1/promotions?status=requested").json()["results"]
    assert [row["id"] for row in waiting] == [promotion.public_id]


def test_lineage_hides_what_belongs_to_others() -> None:
    version = ModelVersionFactory()
    node = LineageNodeFactory(public_id=version.public_id, project=version.project)
    secret = LineageNodeFactory(label="secret")
    LineageEdgeFactory(src=secret, dst=node, attributes={"delta_ppm": 5})
    url = f"/api/v1/models/{version.model.model_id}/lineage"
    graph = client_as(version.project).get(url).json()
    hidden = next(row for row in graph["nodes"] if row["hidden"])
    assert hidden["label"] == "hidden"
    assert secret.public_id not in str(graph)
    assert graph["edges"][0]["attributes"] == {}
    assert graph["truncated"] is False


def test_lineage_of_a_model_without_versions_is_empty() -> None:
    model = ModelFactory()
    url = f"/api/v1/models/{model.model_id}/lineage"
    assert client_as(model.project).get(url).json()["nodes"] == []


@pytest.mark.parametrize("query", ["direction=sideways", "limit=0", "limit=5001"])
def test_lineage_refuses_unknown_wishes(query: str) -> None:
    version = ModelVersionFactory()
    url = f"/api/v1/models/{version.model.model_id}/lineage?{query}"
    assert client_as(version.project).get(url).status_code == 400


def upload(client: Any, dataset: Any, name: str, **fields: Any) -> Any:
    body = {"file": SimpleUploadedFile(name, b"x,label\n1,0\n2,1\n"), **fields}
    url = f"/api/v1/datasets/{dataset.public_id}/versions"
    return client.post(url, body, format="multipart")


def test_an_upload_is_received_and_numbered() -> None:
    dataset = DatasetFactory()
    client = client_as(dataset.project, "contributor")
    first = upload(client, dataset, "rows.csv", label_column="label")
    second = upload(client, dataset, "rows", file_format="csv")
    assert first.status_code == second.status_code == 201
    assert first.json()["state"] == "received"
    assert [first.json()["number"], second.json()["number"]] == [1, 2]


def test_a_file_of_unknown_format_is_refused() -> None:
    dataset = DatasetFactory()
    answer = upload(client_as(dataset.project), dataset, "rows.xlsx")
    assert answer.status_code == 400
    assert "file_format" in answer.json()["context"]["fields"]


def test_a_table_s_columns_are_shown_without_its_rows() -> None:
    version = DatasetVersionFactory()
    url = f"/api/v1/datasets/{version.dataset.public_id}/versions/{version.number}/schema"
    answer = client_as(version.project, "viewer").get(url).json()
    assert [column["name"] for column in answer["columns"]] == ["x", "label"]
    assert answer["row_count"] == 10


def test_a_table_of_another_dataset_is_as_if_absent() -> None:
    version = DatasetVersionFactory()
    other = DatasetFactory(project=version.project)
    url = f"/api/v1/datasets/{other.public_id}/versions/{version.number}"
    assert client_as(version.project).get(url).status_code == 404


@pytest.mark.parametrize("many", [1, 6])
def test_listing_versions_costs_the_same_for_one_as_for_many(
    django_assert_num_queries: Any, many: int
) -> None:
    model = ModelFactory()
    for version in ModelVersionFactory.create_batch(many, model=model):
        VersionTagFactory(version=version)
    client = client_as(model.project)
    # Which projects may be seen, which are one's own; the page runs past the ORM's counter.
    with django_assert_num_queries(2):
        answer = client.get(f"/api/v1/models/{model.model_id}/versions")
    assert len(answer.json()["results"]) == many


# A promotion's approvals are a query more, whatever their number.
@pytest.mark.parametrize(("path", "queries"), [("models", 1), ("datasets", 1), ("promotions", 2)])
def test_listing_costs_the_same_whatever_is_listed(
    django_assert_num_queries: Any, path: str, queries: int
) -> None:
    project = ProjectFactory()
    PromotionFactory.create_batch(3, version__model__project=project)
    DatasetFactory.create_batch(3, project=project)
    client = client_as(project)
    with django_assert_num_queries(queries):
        answer = client.get(f"/api/v1/{path}")
    assert len(answer.json()["results"]) == 3
