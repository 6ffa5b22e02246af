from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from deployments.models import BatchPrediction
from hokusai.accounts.choices import Role
from registry.models import ModelVersion
from tests import factories as make

pytestmark = pytest.mark.django_db
URL = "/api/v1/batch-predictions"


@pytest.fixture
def version() -> ModelVersion:
    return make.ModelVersionFactory()


@pytest.fixture
def client(version: ModelVersion) -> APIClient:
    return make.client_as(version.project, Role.ENGINEER)


def body(version: ModelVersion, **fields: Any) -> dict[str, Any]:
    """What asks for a batch of this version on a table of its project."""
    table = make.DatasetVersionFactory(dataset__project=version.project)
    return {
        "model_id": version.model.model_id,
        "version": version.number,
        "dataset_version": table.public_id,
        **fields,
    }


def test_a_batch_is_accepted_and_shown(client: APIClient, version: ModelVersion) -> None:
    answer = client.post(URL, body(version, on_error="mark"))
    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["status"], shown["on_error"], shown["rows"]) == ("queued", "mark", None)
    nothing = {"rows_done": 0, "percent": 0, "rows_per_s": None, "eta_s": None}
    assert shown["progress"] == nothing
    assert client.get(f"{URL}/{shown['id']}").json() == shown
    assert [one["id"] for one in client.get(URL).json()["results"]] == [shown["id"]]


def test_the_live_version_of_a_deployment_answers(client: APIClient, version: ModelVersion) -> None:
    revision = make.RevisionFactory(deployment__model=version.model, version=version, status="live")
    given = body(version, deployment=revision.deployment.public_id)
    del given["model_id"], given["version"]
    shown = client.post(URL, given).json()
    assert (shown["version"], shown["deployment"]) == (
        version.number,
        revision.deployment.public_id,
    )


def test_a_model_that_is_not_deployed_needs_a_version(
    client: APIClient, version: ModelVersion
) -> None:
    given = body(version)
    del given["version"]
    answer = client.post(URL, given)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_deployed")


def test_a_file_comes_with_the_request(client: APIClient, version: ModelVersion) -> None:
    given = {
        "model_id": version.model.model_id,
        "version": version.number,
        "ignored_columns": ["note", "label"],
        "file": SimpleUploadedFile("rows.csv", b"x,note,label\n1,a,b\n"),
    }
    answer = client.post(URL, given, format="multipart")
    assert answer.status_code == 202, answer.content
    shown = answer.json()
    assert (shown["file_name"], shown["file_format"]) == ("rows.csv", "csv")
    assert shown["ignored_columns"] == ["note", "label"]


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": None},
        {"deployment": "dep_" + "0" * 32},
        {"on_error": "skip"},
        {"chunk_rows": 0},
        {"dataset_version": "nothing"},
    ],
)
def test_a_wrong_form_is_refused(
    client: APIClient, version: ModelVersion, change: dict[str, Any]
) -> None:
    given = {name: one for name, one in (body(version) | change).items() if one is not None}
    assert client.post(URL, given).status_code == 400


def test_a_file_of_an_unknown_kind_is_refused(client: APIClient, version: ModelVersion) -> None:
    given = {
        "model_id": version.model.model_id,
        "version": version.number,
        "file": SimpleUploadedFile("rows.xlsx", b"x"),
    }
    assert client.post(URL, given, format="multipart").status_code == 400


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"state": "received"}, 409), ({"access": "stewards"}, 403)],
)
def test_only_usable_tables_of_members_are_taken(
    client: APIClient, version: ModelVersion, fields: dict[str, str], status: int
) -> None:
    table = make.DatasetVersionFactory(dataset__project=version.project, **fields)
    answer = client.post(URL, body(version, dataset_version=table.public_id))
    assert answer.status_code == status


def test_a_table_that_one_does_not_see_is_not_there(
    client: APIClient, version: ModelVersion
) -> None:
    foreign = make.DatasetVersionFactory()
    assert client.post(URL, body(version, dataset_version=foreign.public_id)).status_code == 404


def test_an_archived_version_is_a_conflict(client: APIClient, version: ModelVersion) -> None:
    archived = make.ModelVersionFactory(model=version.model, stage="archived")
    answer = client.post(URL, body(archived))
    assert (answer.status_code, answer.json()["code"]) == (409, "version_unusable")


def test_a_repeated_request_makes_one_batch(client: APIClient, version: ModelVersion) -> None:
    given = body(version)
    first = client.post(URL, given, headers={"Idempotency-Key": "k"}).json()
    again = client.post(URL, given, headers={"Idempotency-Key": "k"}).json()
    assert first["id"] == again["id"]
    assert BatchPrediction.objects.count() == 1


def test_it_is_cancelled_once_and_goes_on_when_asked(
    client: APIClient, version: ModelVersion
) -> None:
    place = f"{URL}/{client.post(URL, body(version)).json()['id']}"
    assert client.post(f"{place}/cancel").json()["status"] == "cancelled"
    assert client.post(f"{place}/cancel").status_code == 409
    resumed = client.post(f"{place}/resume")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "queued")


def test_the_result_is_a_link_that_names_its_bytes(
    client: APIClient, version: ModelVersion
) -> None:
    batch = make.BatchPredictionFactory(
        version=version, status="succeeded", output_digest="0" * 64, output_bytes=1
    )
    answer = client.get(f"{URL}/{batch.public_id}/result")
    assert answer.status_code == 307
    assert answer["Repr-Digest"].startswith("sha-256=:AAAA")
    waiting = make.BatchPredictionFactory(version=version)
    refused = client.get(f"{URL}/{waiting.public_id}/result")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_result")


def test_parts_are_listed(client: APIClient, version: ModelVersion) -> None:
    batch = make.BatchPredictionFactory(version=version, status="running", row_count=2000)
    for _ in range(2):
        make.BatchChunkFactory(batch=batch)
    parts = client.get(f"{URL}/{batch.public_id}/chunks").json()["results"]
    assert [part["first_row"] for part in parts] == [1000, 0]


def test_rows_of_parts_under_way_count(client: APIClient, version: ModelVersion) -> None:
    batch = make.BatchPredictionFactory(
        version=version, status="running", row_count=2000, rows_done=1000
    )
    make.BatchChunkFactory(batch=batch, status="done", rows_done=1000)
    make.BatchChunkFactory(batch=batch, status="asked", rows_done=500)
    shown = client.get(f"{URL}/{batch.public_id}").json()["progress"]
    assert (shown["rows_done"], shown["percent"]) == (1500, 75)


def test_a_key_for_other_models_runs_no_batch(version: ModelVersion) -> None:
    _, secret = make.api_key(version.project, "predict", model_ids=["other.model"])
    answer = APIClient(headers={"X-API-Key": secret}).post(URL, body(version))
    assert answer.status_code == 403
    _, secret = make.api_key(version.project, "predict", model_ids=[version.model.model_id])
    answer = APIClient(headers={"X-API-Key": secret}).post(URL, body(version))
    assert answer.status_code == 202, answer.content


def test_a_list_of_batches_asks_the_same_number_of_questions(
    client: APIClient, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        make.BatchPredictionFactory(version=version)
    with django_assert_max_num_queries(8):
        assert len(client.get(URL).json()["results"]) == 3
