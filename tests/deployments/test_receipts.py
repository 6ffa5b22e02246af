import base64
import json
from hashlib import sha256

import pytest

from deployments import endpoints, receipt_signing, receipts, tasks
from deployments.algorithms.receipt_statement import PREDICATE_TYPE, commitment
from deployments.choices import RevisionStatus
from deployments.models import PredictionReceipt
from hokusai.core.errors import InvalidInput
from hokusai.signers.algorithms import dsse
from hokusai.signers.exceptions import SignerUnusable
from hokusai.signers.models import SigningKey
from tests.factories import RevisionFactory
from tests.hokusai.signers.keys import keep, new_key

pytestmark = pytest.mark.django_db
BODY, OUTPUTS = b'{"rows": [{"a": 1.0}]}', b'[{"prediction": 0.5}]'


@pytest.fixture
def target():
    revision = RevisionFactory(status=RevisionStatus.LIVE, converted_digest="c" * 64)
    return endpoints.target_of_revision(revision.public_id)


@pytest.fixture
def key(settings, tmp_path):
    """A key for attestations in this process."""
    private = new_key("ed25519")
    settings.SIGNERS = {"attestation": keep(tmp_path / "key.pem", private)}
    return private


def asked(target) -> PredictionReceipt:
    receipt = receipts.ask_for(
        target,
        request_id="req_1",
        principal="key_1",
        input_digest=receipts.input_digest(BODY, "application/json; charset=utf-8"),
        output_digest=receipts.output_digest(OUTPUTS),
    )
    return PredictionReceipt.objects.get(public_id=receipt)


def opened(row, private) -> dict:
    envelope = dsse.encode_envelope(row.envelope)
    return json.loads(dsse.verify(envelope, [private.public_key()]))


def test_asking_costs_one_statement_and_leaves_a_receipt_that_waits(
    target, django_assert_num_queries
):
    with django_assert_num_queries(1):
        receipts.ask_for(
            target, request_id="r", principal="key_1", input_digest="a:b", output_digest="c:d"
        )
    assert PredictionReceipt.objects.get().status == "pending"


def test_the_signed_statement_says_which_bytes_answered_what_with_what(target, key):
    row = asked(target)
    assert receipt_signing.sign_pending() == 1
    row.refresh_from_db()
    statement = opened(row, key)
    predicate = statement["predicate"]
    assert statement["subject"] == [
        {"name": f"{target.model_id}/{target.version}", "digest": {"sha256": target.digest}}
    ]
    assert statement["predicateType"] == PREDICATE_TYPE
    assert predicate["receipt"] == row.public_id
    assert predicate["input"] == {
        "form": "rows-jcs",
        "sha256": sha256(b'[{"a":1}]').hexdigest(),
    }
    assert predicate["output"] == {
        "form": "outputs-jcs",
        "sha256": sha256(b'[{"prediction":0.5}]').hexdigest(),
    }
    assert predicate["executed"]["sha256"] == "c" * 64
    assert predicate["revision"] == target.revision_id


def test_who_asked_is_known_only_with_the_salt(target, key):
    row = asked(target)
    receipt_signing.sign_pending()
    row.refresh_from_db()
    payload = base64.b64decode(row.envelope["payload"])
    assert b"key_1" not in payload
    stated = opened(row, key)["predicate"]["principalCommitment"]
    assert stated == commitment(bytes(row.salt), "key_1")
    assert stated != commitment(b"another salt....", "key_1")


def test_a_receipt_is_signed_once(target, key):
    row = asked(target)
    tasks.sign_receipts()
    row.refresh_from_db()
    first = row.envelope
    assert receipt_signing.sign_pending() == 0
    row.refresh_from_db()
    assert (row.envelope, row.status) == (first, "signed")
    assert row.key_id == SigningKey.objects.get().key_id


def test_a_process_without_keys_signs_nothing(target, settings):
    settings.SIGNERS = {}
    asked(target)
    with pytest.raises(SignerUnusable):
        receipt_signing.sign_pending()
    assert PredictionReceipt.objects.get().status == "pending"


def test_where_none_waits_no_key_is_needed(settings):
    settings.SIGNERS = {}
    assert receipt_signing.sign_pending() == 0


def test_json_that_has_no_digest_is_refused_and_other_bodies_count_by_their_bytes():
    with pytest.raises(InvalidInput):
        receipts.input_digest(b"[", "application/json")
    digest = sha256(b"PAR1").hexdigest()
    assert receipts.input_digest(b"PAR1", "application/vnd.apache.parquet") == f"bytes:{digest}"
    assert receipts.output_digest(b"PAR1", "application/vnd.apache.parquet") == f"bytes:{digest}"


def test_an_answer_names_its_receipt_and_where_it_is():
    assert receipts.headers_of("rcp_1") == {
        "Hokusai-Receipt": "rcp_1",
        "Link": '</api/v1/prediction-receipts/rcp_1>; rel="describedby"',
    }
