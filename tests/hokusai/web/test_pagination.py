from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import ModelFactory, ProjectFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Any:
    return ProjectFactory()


@pytest.fixture
def client(project: Any) -> APIClient:
    made = APIClient()
    made.force_authenticate(member(project))
    return made


def pages(client: APIClient, url: str) -> Iterator[list[dict[str, Any]]]:
    following: str | None = url
    while following:
        answer = client.get(following).json()
        yield answer["results"]
        following = answer["next"]


@pytest.mark.parametrize("ordering", ["", "model_id", "-model_id", "created_at", "-created_at"])
def test_pages_show_every_row_once_in_order(client: APIClient, project: Any, ordering: str) -> None:
    made = [ModelFactory(project=project).model_id for _ in range(5)]
    url = f"/api/v1/models?page_size=2&ordering={ordering}"
    shown = [row["model_id"] for page in pages(client, url) for row in page]
    newest_first = ordering in ("", "-created_at")
    if ordering.endswith("model_id"):
        assert shown == sorted(made, reverse=ordering.startswith("-"))
    else:
        assert shown == (made[::-1] if newest_first else made)


def test_a_row_inserted_meanwhile_moves_nothing(client: APIClient, project: Any) -> None:
    made = [ModelFactory(project=project).model_id for _ in range(4)]
    first = client.get("/api/v1/models?page_size=2").json()
    ModelFactory(project=project)
    second = client.get(first["next"]).json()
    assert [row["model_id"] for row in second["results"]] == made[1::-1]


def test_a_last_page_that_is_full_has_no_next(client: APIClient, project: Any) -> None:
    ModelFactory.create_batch(2, project=project)
    assert client.get("/api/v1/models?page_size=2").json()["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=201",
        "page_size=0000000019999",
        "page_size=x",
        "page_size=%C2%B2",
        "cursor=made-up",
        "cursor=1:abc",
        "ordering=description",
        "ordering=--model_id",
    ],
)
def test_unknown_wishes_are_refused(client: APIClient, query: str) -> None:
    answer = client.get(f"/api/v1/models?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


def test_cursors_do_not_tell_database_keys(client: APIClient, project: Any) -> None:
    models = ModelFactory.create_batch(3, project=project)
    following = client.get("/api/v1/models?page_size=1").json()["next"]
    assert f"cursor={models[-1].public_id}" in following.replace("%3A", ":")


def test_fields_selects_what_is_answered(client: APIClient, project: Any) -> None:
    model = ModelFactory(project=project)
    answer = client.get("/api/v1/models?fields=model_id,task").json()["results"]
    assert answer == [{"model_id": model.model_id, "task": "classification"}]
    one = client.get(f"/api/v1/models/{model.model_id}?fields=name").json()
    assert one == {"name": model.name}


def test_an_unknown_field_is_refused(client: APIClient, project: Any) -> None:
    ModelFactory(project=project)
    assert client.get("/api/v1/models?fields=secret").status_code == 400


def test_parameters_that_a_list_does_not_read_are_named(client: APIClient) -> None:
    answer = client.get("/api/v1/models?colour=blue&page_size=2&task=regression")
    assert answer.status_code == 400
    assert answer.json()["context"]["fields"] == {"colour": ["Unknown to this list."]}
