import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from deployments.log_models import PredictionExport
from deployments.models import Revision
from hokusai.core.models import Event, Job
from hokusai.storage import stores
from tests.factories import PredictionFactory, RevisionFactory, client_as

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def revision() -> Revision:
    return RevisionFactory(status="live")


@pytest.fixture
def client(revision: Revision) -> APIClient:
    return client_as(revision.project, "reviewer")


def place(revision: Revision) -> str:
    return f"/api/v1/deployments/{revision.deployment.public_id}/predictions"


def test_predictions_come_newest_first_in_pages_without_what_was_asked(
    revision: Revision, client: APIClient
) -> None:
    for second in range(5):
        PredictionFactory(of=revision, at=AT + timedelta(seconds=second), request_id=f"r{second}")
    PredictionFactory(request_id="of another")
    seen, url = [], f"{place(revision)}?page_size=2"
    while url:
        page = client.get(url).json()
        seen += [row["request_id"] for row in page["results"]]
        assert all("input" not in row for row in page["results"])
        url = page["next"]
    assert seen == ["r4", "r3", "r2", "r1", "r0"]


def test_rows_of_one_moment_are_neither_repeated_nor_left_out(
    revision: Revision, client: APIClient
) -> None:
    for name in "abc":
        PredictionFactory(of=revision, at=AT, request_id=name)
    first = client.get(f"{place(revision)}?page_size=2").json()
    second = client.get(first["next"]).json()
    assert [row["request_id"] for row in (*first["results"], *second["results"])] == list("cba")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("only_errors=true", {"bad"}),
        ("status=200", {"old", "good"}),
        ("request_id=good", {"good"}),
        ("since=2026-03-01T12:00:00Z", {"good", "bad"}),
        ("until=2026-03-01T12:00:00Z", {"old"}),
    ],
)
def test_filters_select(query: str, found: set[str], revision: Revision, client: APIClient) -> None:
    PredictionFactory(of=revision, at=AT - timedelta(hours=1), request_id="old")
    PredictionFactory(of=revision, at=AT, request_id="good")
    PredictionFactory(of=revision, at=AT, request_id="bad", status=502)
    rows = client.get(f"{place(revision)}?{query}").json()["results"]
    assert {row["request_id"] for row in rows} == found


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "status=2000000", "status=x", "since=x", "page_size=0", "ordering=at", "other=1"],
)
def test_what_makes_no_sense_is_refused(query: str, revision: Revision, client: APIClient) -> None:
    assert client.get(f"{place(revision)}?{query}").status_code == 400


def test_one_prediction_shows_what_was_asked_and_answered(
    revision: Revision, client: APIClient
) -> None:
    row = PredictionFactory(of=revision, redacted=["name"])
    with connection.cursor() as cursor:
        text = f'{{"rows":[{{"a":{10**30}}}]}}'
        cursor.execute("UPDATE deployments_predictionlog SET input = %s", [text])
    shown = client.get(f"{place(revision)}/{row.public_id}").json()
    assert shown["input"] == {"rows": [{"a": 1e30}]}
    assert shown["output"] == [{"prediction": 1.0}]
    assert (shown["redacted"], shown["version"]) == (["name"], revision.version.number)


@pytest.mark.parametrize("digits", ["0" * 32, "f" * 32, "0" * 31 + "1"])
def test_an_id_that_is_none_is_absent(digits: str, revision: Revision, client: APIClient) -> None:
    assert client.get(f"{place(revision)}/prd_{digits}").status_code == 404


def test_a_prediction_of_another_deployment_is_absent(
    revision: Revision, client: APIClient
) -> None:
    row = PredictionFactory(
        of=RevisionFactory(deployment__model=revision.deployment.model, deployment__slug="other")
    )
    assert client.get(f"{place(revision)}/{row.public_id}").status_code == 404


def test_a_page_takes_a_bounded_number_of_queries(
    revision: Revision, client: APIClient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        PredictionFactory(of=revision)
    with django_assert_max_num_queries(4):
        assert len(client.get(place(revision)).json()["results"]) == 5


def test_the_series_counts_requests_and_errors(revision: Revision, client: APIClient) -> None:
    PredictionFactory(of=revision, at=AT, total_ms=4.0, weight=2.0)
    PredictionFactory(of=revision, at=AT, status=500)
    query = "since=2026-03-01T12:00:00Z&until=2026-03-01T13:00:00Z&buckets=2"
    first, second = client.get(f"{place(revision)}/series?{query}").json()
    assert (first["requests"], first["errors"]) == (3.0, 1.0)
    assert first["p50_ms"] == pytest.approx(4.0, rel=0.03)
    assert (second["requests"], second["p95_ms"]) == (0.0, None)


@pytest.mark.parametrize(
    "query", ["buckets=0", "buckets=5000", "since=2026-03-02T00:00Z&until=2026-03-01T00:00Z"]
)
def test_a_series_without_sense_is_refused(
    query: str, revision: Revision, client: APIClient
) -> None:
    assert client.get(f"{place(revision)}/series?{query}").status_code == 400


def test_an_export_is_asked_for_written_by_its_job_and_fetched(
    revision: Revision, client: APIClient, run_job: Any
) -> None:
    PredictionFactory(of=revision, at=AT)
    span = {"since": AT.isoformat(), "until": (AT + timedelta(hours=1)).isoformat()}
    asked = client.post(f"{place(revision)}/export", span)
    assert asked.status_code == 202
    own = f"/api/v1/deployments/{revision.deployment.public_id}/prediction-exports"
    download = f"{own}/{asked.json()['id']}/download"
    assert client.get(download).json()["code"] == "no_export"
    run_job(Job.objects.get(public_id=asked.json()["job"]))
    shown = client.get(f"{own}/{asked.json()['id']}").json()
    assert (shown["status"], shown["progress"], shown["events"]) == ("succeeded", 100, 2)
    assert shown["download"] == download
    assert client.get(download).status_code == 307
    content = stores["default"].get(PredictionExport.objects.get().digest)
    assert len([json.loads(line) for line in content.splitlines()]) == 2
    tags = set(Event.objects.of(revision.deployment.public_id).values_list("tag", flat=True))
    assert tags >= {"predictions:export-requested", "predictions:export-downloaded"}


def test_an_export_of_too_long_a_time_is_refused(revision: Revision, client: APIClient) -> None:
    now = timezone.now()
    span = {"since": (now - timedelta(days=32)).isoformat(), "until": now.isoformat()}
    assert client.post(f"{place(revision)}/export", span).status_code == 400
