import json

import pytest

from deployments import receipt_signing
from deployments.choices import RevisionStatus
from deployments.models import PredictionReceipt, Revision
from hokusai.signers.algorithms import dsse
from tests.factories import ReceiptFactory, RevisionFactory, client_as
from tests.hokusai.signers.keys import keep, new_key

pytestmark = pytest.mark.django_db
PATH = "/api/v1/prediction-receipts"


@pytest.fixture
def key(settings, tmp_path):
    private = new_key("ed25519")
    settings.SIGNERS = {"attestation": keep(tmp_path / "key.pem", private)}
    return private


def test_a_receipt_is_pending_until_the_signer_came_by(key):
    row = ReceiptFactory()
    client = client_as(row.project, "viewer")
    before = client.get(f"{PATH}/{row.public_id}")
    assert (before.status_code, before.json()["status"]) == (202, "pending")
    assert int(before["Retry-After"]) >= 1
    assert before.json()["envelope"] is None
    receipt_signing.sign_pending()
    after = client.get(f"{PATH}/{row.public_id}")
    assert (after.status_code, after.json()["status"]) == (200, "signed")
    envelope = dsse.encode_envelope(after.json()["envelope"])
    predicate = json.loads(dsse.verify(envelope, [key.public_key()]))["predicate"]
    assert predicate["receipt"] == row.public_id


def test_who_asked_is_not_told_only_the_salt_that_opens_it(key):
    row = ReceiptFactory()
    shown = client_as(row.project).get(f"{PATH}/{row.public_id}").json()
    assert shown["salt"] == bytes(row.salt).hex()
    assert row.principal not in json.dumps(shown)


def test_receipts_are_found_by_request_model_and_state():
    row = ReceiptFactory()
    ReceiptFactory(project=row.project, model_id="tides.other")
    client = client_as(row.project)
    for query in (f"request_id={row.request_id}", "model_id=tides.forecast"):
        found = client.get(f"{PATH}?{query}").json()["results"]
        assert [one["id"] for one in found] == [row.public_id]
    assert len(client.get(f"{PATH}?signed=false").json()["results"]) == 2
    assert client.get(f"{PATH}?signed=true").json()["results"] == []


def test_a_list_costs_the_same_whatever_its_length(django_assert_max_num_queries):
    row = ReceiptFactory()
    ReceiptFactory.create_batch(5, project=row.project)
    client = client_as(row.project)
    with django_assert_max_num_queries(4):
        assert len(client.get(PATH).json()["results"]) == 6


def test_a_prediction_that_asks_for_one_names_its_receipt(memory):
    live = RevisionFactory(status=RevisionStatus.LIVE)
    Revision.objects.update(endpoint=f"memory:{live.public_id}")
    client = client_as(live.project)
    path = f"/api/v1/models/{live.deployment.model.model_id}/predict"
    plain = client.post(path, {"rows": [{"x": 1.0}]})
    assert "Hokusai-Receipt" not in plain
    answer = client.post(path, {"rows": [{"x": 1.0}]}, headers={"Hokusai-Receipt": "true"})
    row = PredictionReceipt.objects.get()
    assert answer["Hokusai-Receipt"] == row.public_id
    assert f"{PATH}/{row.public_id}" in answer["Link"]
    assert (row.request_id, row.revision) == (answer["X-Request-ID"], live.public_id)
