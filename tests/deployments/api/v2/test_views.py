"""Clients of the V2 inference protocol find what they know; a real one is among them."""

from typing import Any

import numpy as np
import orjson
import pytest
import tritonclient.http as triton
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from tritonclient.utils import InferenceServerException

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.providers.memory import MemoryProvider
from tests.factories import RevisionFactory, api_key

COLUMNS = ("a", "b")
SIGNATURE = {
    "inputs": [{"name": name, "type": "double"} for name in COLUMNS],
    "outputs": [{"name": "prediction", "type": "double"}],
}


@pytest.fixture
def live(memory: MemoryProvider) -> Revision:
    """A revision that answers with the sum of a row."""
    row: Revision = RevisionFactory(status=RevisionStatus.LIVE, version__signature=SIGNATURE)
    endpoint = memory.deploy(endpoints.target_of_revision(row.public_id).spec, timeout_s=1.0)
    row.endpoint = endpoint.handle
    row.save(update_fields=["endpoint"])
    return row


def headers_of(live: Revision, **key: Any) -> dict[str, str]:
    _, secret = api_key(live.project, "read", "predict", **key)
    return {"Authorization": f"Bearer {secret}"}


def path_of(live: Revision, rest: str = "") -> str:
    return f"/v2/models/{live.deployment.model.model_id}{rest}"


def inputs(*rows: tuple[float, ...]) -> dict[str, Any]:
    flat = [value for row in rows for value in row]
    shape = [len(rows), len(rows[0])]
    return {"inputs": [{"name": "rows", "datatype": "FP64", "shape": shape, "data": flat}]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("binary", [True, False])
def test_a_triton_client_asks_a_model(
    live: Revision, live_server: LiveServer, binary: bool
) -> None:
    client = triton.InferenceServerClient(live_server.url.removeprefix("http://"))
    headers, name = headers_of(live), live.deployment.model.model_id
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(name, headers=headers)
    stated = client.get_model_metadata(name, headers=headers)
    assert stated["inputs"][0]["parameters"]["columns"] == list(COLUMNS)
    rows = triton.InferInput("rows", [2, 2], "FP64")
    rows.set_data_from_numpy(np.array([[1.0, 2.0], [3.0, 4.5]]), binary_data=binary)
    wanted = [triton.InferRequestedOutput("prediction", binary_data=binary)]
    found = client.infer(name, [rows], outputs=wanted, headers=headers, request_id="mine")
    assert found.as_numpy("prediction").tolist() == [3.0, 7.5]
    said = found.get_response()
    assert (said["id"], said["model_version"]) == ("mine", str(live.version.number))
    assert said["parameters"]["digest"] == live.digest
    with pytest.raises(InferenceServerException, match="no such thing"):
        client.get_model_metadata("no.model", headers=headers)
    client.close()


@pytest.mark.django_db
def test_an_error_is_told_in_the_form_of_the_protocol(live: Revision, client: Client) -> None:
    wrong = client.post(
        path_of(live, "/infer"),
        orjson.dumps(inputs((1.0, 2.0, 3.0))),
        "application/json",
        headers=headers_of(live),
    )
    assert wrong.status_code == 400
    assert wrong.json() == {"error": "Input 'rows' has 3 columns; the model takes 2."}
    unknown = client.post(path_of(live, "/infer"), b"{}", "application/json")
    assert unknown.status_code == 401
    assert set(unknown.json()) == {"error"}


@pytest.mark.django_db
def test_another_version_than_the_deployed_one_is_absent(live: Revision, client: Client) -> None:
    headers, number = headers_of(live), live.version.number
    assert client.get(path_of(live, f"/versions/{number}"), headers=headers).status_code == 200
    other = client.get(path_of(live, f"/versions/{number + 1}/ready"), headers=headers)
    assert other.status_code == 404


@pytest.mark.django_db
def test_what_is_not_deployed_is_not_ready(live: Revision, client: Client) -> None:
    headers = headers_of(live)
    live.status = RevisionStatus.RETIRED
    live.save(update_fields=["status"])
    assert client.get(path_of(live, "/ready"), headers=headers).status_code == 409


@pytest.mark.django_db
def test_a_key_for_other_models_is_refused(live: Revision, client: Client) -> None:
    headers = headers_of(live, model_ids=["other.model"])
    assert client.get(path_of(live), headers=headers).status_code == 404
    given = orjson.dumps(inputs((1.0, 2.0)))
    answer = client.post(path_of(live, "/infer"), given, "application/json", headers=headers)
    assert (answer.status_code, set(answer.json())) == (403, {"error"})


@pytest.mark.django_db
def test_predictions_are_logged_as_all_others(
    live: Revision, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[Any] = []
    monkeypatch.setattr("deployments.prediction_log.put", noted.append)
    answer = client.post(
        path_of(live, "/infer"),
        orjson.dumps(inputs((1.0, 2.0))),
        "application/json",
        headers=headers_of(live),
    )
    assert answer.json()["outputs"] == [
        {"name": "prediction", "datatype": "FP64", "shape": [1], "data": [3.0]}
    ]
    (entry,) = noted
    assert (entry.status, entry.rows) == (200, 1)
