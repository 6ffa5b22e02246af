from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from hokusai.accounts.models import Project
from registry.models import Model, ModelShare, ModelVersion
from tests.factories import (
    DatasetFactory,
    MembershipFactory,
    ModelFactory,
    ModelShareFactory,
    ModelVersionFactory,
    ProjectFactory,
    UserFactory,
    api_key,
    client_as,
    client_of,
    member,
)

pytestmark = pytest.mark.django_db
SOURCE = f"runs:/{'0' * 32}/model"


@pytest.fixture
def version() -> ModelVersion:
    found: ModelVersion = ModelVersionFactory(metrics={"accuracy": 0.9})
    return found


@pytest.fixture
def other() -> Project:
    found: Project = ProjectFactory()
    return found


def url(model: Model, rest: str = "") -> str:
    return f"/api/v1/models/{model.model_id}{rest}"


def callers(project: Project) -> list[APIClient]:
    _, secret = api_key(project, "read")
    return [client_as(project, "viewer"), APIClient(headers={"X-API-Key": secret})]


def test_sharing_lets_people_and_keys_of_a_project_read(
    version: ModelVersion, other: Project
) -> None:
    paths = [
        url(version.model),
        url(version.model, "/versions"),
        url(version.model, f"/versions/{version.number}"),
        url(version.model, f"/versions/{version.number}/metadata"),
        url(version.model, f"/versions/{version.number}/card"),
        url(version.model, f"/versions/{version.number}/lineage"),
    ]
    for caller in callers(other):
        assert {caller.get(path).status_code for path in paths} == {404}
    ModelShareFactory(model=version.model, project=other)
    for caller in callers(other):
        assert {path: caller.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
        listed = [row["model_id"] for row in caller.get("/api/v1/models").json()["results"]]
        assert listed == [version.model.model_id]
    assert client_of(UserFactory()).get(paths[0]).status_code == 404


def test_a_share_shows_nothing_else_of_the_project(version: ModelVersion, other: Project) -> None:
    ModelShareFactory(model=version.model, project=other)
    hidden = ModelVersionFactory(model__project=version.project)
    dataset = DatasetFactory(project=version.project)
    for caller in callers(other):
        for path in (
            url(hidden.model),
            f"/api/v1/datasets/{dataset.public_id}",
            url(version.model, "/history"),
            url(version.model, f"/at?time={timezone.now():%Y-%m-%dT%H:%M:%SZ}"),
            url(version.model, "/shares"),
        ):
            assert caller.get(path).status_code in (403, 404), path
        assert caller.get("/api/v1/promotions").json()["results"] == []


def test_what_is_shared_is_only_read(version: ModelVersion, other: Project) -> None:
    ModelShareFactory(model=version.model, project=other, right="derive")
    owner = client_as(other, "owner")
    _, secret = api_key(other, "read", "write", owner=member(other, "owner"))
    tags = url(version.model, f"/versions/{version.number}/tags")
    assert owner.put(tags, {"tags": {"a": "b"}}).status_code == 403
    assert APIClient(headers={"X-API-Key": secret}).put(tags, {"tags": {"a": "b"}}).status_code in (
        403,
        404,
    )
    assert owner.post(url(version.model, "/archive"), {}).status_code == 404


def test_a_restricted_version_is_never_shared(version: ModelVersion, other: Project) -> None:
    ModelShareFactory(model=version.model, project=None)
    secret = ModelVersionFactory(model=version.model, security_level="restricted")
    for caller in callers(other):
        path = url(version.model, f"/versions/{secret.number}")
        assert caller.get(path).status_code == 404
        assert caller.get(f"{path}/metadata").status_code == 404
        listed = caller.get(url(version.model, "/versions")).json()["results"]
        assert [row["number"] for row in listed] == [version.number]


def register(client: APIClient, project: Project, parent: ModelVersion) -> Any:
    body = {
        "project": project.slug,
        "model": "derived",
        "source": SOURCE,
        "parent": parent.public_id,
    }
    return client.post("/api/v1/models/register", body)


def test_only_who_may_derive_has_a_parent_in_another_project(
    version: ModelVersion, other: Project
) -> None:
    engineer = client_as(other)
    assert register(engineer, other, version).status_code == 404
    share = ModelShareFactory(model=version.model, project=other, right="read")
    assert register(engineer, other, version).status_code == 403
    share.right = "derive"
    share.save()
    made = register(engineer, other, version)
    assert made.status_code == 201
    assert ModelVersion.objects.get(public_id=made.json()["id"]).parent == version


def test_a_parent_that_is_hidden_has_no_number_and_no_name(
    version: ModelVersion, other: Project
) -> None:
    share = ModelShareFactory(model=version.model, project=other, right="derive")
    register(client_as(other), other, version)
    share.delete()
    for caller in callers(other):
        answer = caller.get(f"/api/v1/models/{other.slug}.derived/versions/1")
        assert answer.json()["parent"] is None
        graph = caller.get(f"/api/v1/models/{other.slug}.derived/versions/1/lineage")
        for text in (answer.content.decode(), graph.content.decode()):
            assert version.model.model_id not in text
            assert version.public_id not in text


def test_an_owner_shares_lists_and_takes_back(version: ModelVersion, other: Project) -> None:
    owner = member(version.project, "owner")
    MembershipFactory(project=other, user=owner, role="viewer")
    client = client_of(owner)
    made = client.post(url(version.model, "/shares"), {"project": other.slug, "right": "derive"})
    assert made.status_code == 201
    assert (made.json()["project"], made.json()["right"]) == (other.slug, "derive")
    everybody = client.post(url(version.model, "/shares"), {"project": None}).json()
    assert (everybody["project"], everybody["right"]) == (None, "read")
    listed = client.get(url(version.model, "/shares")).json()
    assert {row["id"] for row in listed} == {made.json()["id"], everybody["id"]}
    gone = url(version.model, f"/shares/{everybody['id']}")
    assert [client.delete(gone).status_code for _ in range(2)] == [204, 404]
    assert ModelShare.objects.count() == 1


def test_a_project_that_is_hidden_from_the_owner_is_as_if_absent(
    version: ModelVersion, other: Project
) -> None:
    client = client_as(version.project, "owner")
    for slug in (other.slug, "no-such"):
        answer = client.post(url(version.model, "/shares"), {"project": slug})
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["models", "datasets"])
def test_what_is_archived_is_left_out_of_lists_unless_asked_for(path: str) -> None:
    project = ProjectFactory()
    row = (ModelFactory if path == "models" else DatasetFactory)(project=project)
    name = row.model_id if path == "models" else row.public_id
    client = client_as(project, "owner")
    done = client.post(f"/api/v1/{path}/{name}/archive", {"comment": "over"})
    assert done.json()["archived_at"]
    assert client.get(f"/api/v1/{path}").json()["results"] == []
    assert client.get(f"/api/v1/{path}?archived=false").json()["results"] == []
    archived = client.get(f"/api/v1/{path}?archived=true").json()["results"]
    assert [found["id"] for found in archived] == [row.public_id]
    assert client.get(f"/api/v1/{path}/{name}").status_code == 200
    assert client.post(f"/api/v1/{path}/{name}/restore").json()["archived_at"] is None
    assert client.get(f"/api/v1/{path}?archived=true").json()["results"] == []


@pytest.mark.parametrize("path", ["models/{}", "models/{}/versions/1"])
def test_nothing_is_deleted_through_the_api(path: str, version: ModelVersion) -> None:
    client = client_as(version.project, "owner")
    answer = client.delete("/api/v1/" + path.format(version.model.model_id))
    assert answer.status_code == 405
