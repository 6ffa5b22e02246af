"""Searching over HTTP: the fast way and the ordinary one answer the same bytes."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from registry.models import ModelShare, ModelVersion, VersionMetric
from tests.factories import (
    ModelFactory,
    ModelVersionFactory,
    UserFactory,
    VersionTagFactory,
    api_key,
    client_as,
    client_of,
)

pytestmark = pytest.mark.django_db
ORIGIN = {"origin": "http://testserver"}


@pytest.fixture
def versions() -> list[ModelVersion]:
    model = ModelFactory()
    rows = [ModelVersionFactory(model=model) for _ in range(5)]
    for number, row in enumerate(rows):
        VersionTagFactory(version=row, key="team", value="a")
        VersionMetric.objects.create(version=row, key="f1", value=number % 3)
    return rows


def caller(versions: list[ModelVersion], **headers: str) -> Client:
    _, secret = api_key(versions[0].project, "read")
    return Client(headers={"authorization": f"Bearer {secret}", **headers})


def numbers(answer) -> list[int]:
    return [row["number"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    "path",
    [
        "versions?tag=team=a&page_size=2",
        "versions?ordering=-metric:f1&page_size=3&fields=number,tags",
        "versions?tag=team=b",
        "versions?colour=blue",
        "versions?cursor=nonsense",
        "models/{model}/versions?page_size=2",
        "models/{model}/versions?stage=production",
        "models/{model}/versions?model={model}",
        "models/no.such/versions",
        "models/{model}/versions/latest",
        "models/{model}/versions/production",
        "models/{model}/versions/3",
    ],
)
def test_both_ways_answer_the_same(versions, path: str) -> None:
    url = "/api/v1/" + path.format(model=versions[0].model.model_id)
    ModelVersion.objects.filter(pk=versions[1].pk).update(flavor="onnx")
    fast, slow = caller(versions).get(url), caller(versions, **ORIGIN).get(url)
    assert fast.status_code == slow.status_code
    if fast.status_code == 200:
        assert fast.content == slow.content
    else:
        one, other = fast.json(), slow.json()
        del one["request_id"], other["request_id"]
        assert one == other


@pytest.mark.parametrize("ordering", ["newest", "oldest", "metric:f1", "-metric:f1"])
def test_pages_repeat_nothing_and_miss_nothing(versions, ordering: str) -> None:
    client = caller(versions)
    url, seen = f"/api/v1/versions?tag=team=a&page_size=2&ordering={ordering}", []
    whole = numbers(client.get(url.replace("page_size=2", "page_size=50")))
    while url:
        page = client.get(url)
        seen += numbers(page)
        url = page.json()["next"]
    assert seen == whole
    assert sorted(seen) == [1, 2, 3, 4, 5]


def test_numbers_order_the_pages_of_one_model(versions) -> None:
    url = f"/api/v1/models/{versions[0].model.model_id}/versions?ordering=number&page_size=3"
    first = caller(versions).get(url)
    assert numbers(first) == [1, 2, 3]
    assert numbers(caller(versions).get(first.json()["next"])) == [4, 5]


def test_a_cursor_is_good_for_its_own_search_alone(versions) -> None:
    client = caller(versions)
    following = client.get("/api/v1/versions?tag=team=a&page_size=2").json()["next"]
    assert client.get(following.replace("page_size=2", "page_size=1")).status_code == 200
    for other in ("ordering=oldest", "stage=none", "tag=x=y"):
        refused = client.get(f"{following}&{other}")
        assert refused.status_code == 400
        assert "cursor" in refused.json()["context"]["fields"]


def test_an_unknown_parameter_is_named(versions) -> None:
    answer = caller(versions).get("/api/v1/versions?colour=blue&tag=team=a")
    assert answer.status_code == 400
    assert answer.json()["context"]["fields"] == {"colour": ["Unknown."]}
    facets = client_as(versions[0].project).get("/api/v1/versions/facets?page_size=3")
    assert facets.status_code == 400


def test_a_search_costs_a_fixed_number_of_queries(versions, django_assert_max_num_queries) -> None:
    client = client_as(versions[0].project)
    with django_assert_max_num_queries(4):
        assert len(client.get("/api/v1/versions?tag=team=a").json()["results"]) == 5


def test_fields_are_chosen_and_unknown_ones_named(versions) -> None:
    client = caller(versions)
    rows = client.get("/api/v1/versions?fields=number,id&page_size=1").json()["results"]
    assert rows == [{"id": versions[-1].public_id, "number": 5}]
    answer = client.get("/api/v1/versions?fields=colour")
    assert answer.json()["context"]["fields"] == {"fields": ["Unknown: colour."]}


def test_what_is_latest_and_what_is_in_production(versions) -> None:
    client, model = caller(versions), versions[0].model
    url = f"/api/v1/models/{model.model_id}/versions"
    assert client.get(f"{url}/latest").json()["number"] == 5
    assert client.get(f"{url}/production").status_code == 404
    ModelVersionFactory(model=model, number=6, stage="production")
    ModelVersionFactory(model=model, number=7)
    assert client.get(f"{url}/production").json()["number"] == 6
    assert client.get(f"{url}/latest").json()["number"] == 7


def test_a_retired_version_tells_when_it_goes_and_what_replaces_it(versions) -> None:
    old, new = versions[0], versions[4]
    ModelVersion.objects.filter(pk=old.pk).update(
        deprecated_at=datetime(2026, 11, 20, tzinfo=UTC),
        sunset_at=datetime(2027, 1, 1, tzinfo=UTC),
        successor=new,
    )
    url = f"/api/v1/models/{old.model.model_id}/versions"
    for client in (caller(versions), caller(versions, **ORIGIN)):
        answer = client.get(f"{url}/1")
        assert answer["Deprecation"] == "@1795132800"
        assert answer["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
        assert answer["Link"] == f'<{url}/5>; rel="successor-version"'
        assert "Deprecation" not in client.get(f"{url}/2")


def test_a_shared_model_is_read_by_keys_and_members_of_the_other_project(versions) -> None:
    foreign = ModelVersionFactory()
    url = f"/api/v1/models/{foreign.model.model_id}/versions"
    clients = [caller(versions), caller(versions, **ORIGIN), client_as(versions[0].project)]
    assert [client.get(f"{url}/1").status_code for client in clients] == [404, 404, 404]
    assert [client.get(url).status_code for client in clients] == [404, 404, 404]
    ModelShare.objects.create(
        model=foreign.model, project=versions[0].project, shared_by=UserFactory()
    )
    assert [client.get(f"{url}/1").status_code for client in clients] == [200, 200, 200]
    assert [numbers(client.get(url)) for client in clients] == [[1], [1], [1]]
    assert client_of(UserFactory()).get(f"{url}/1").status_code == 404


def test_facets_are_counted_for_whoever_asks(versions) -> None:
    body = client_as(versions[0].project).get("/api/v1/versions/facets?tag=team=a").json()
    assert (body["total"], body["at_least"]) == (5, False)
    assert body["counts"]["stage"] == [{"value": "none", "count": 5}]
    assert body["tags"] == [{"key": "team", "count": 5, "values": [{"value": "a", "count": 5}]}]
    assert client_of(UserFactory()).get("/api/v1/versions/facets").json()["total"] == 0
