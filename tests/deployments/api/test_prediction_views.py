"""Predictions over HTTP: the same on the fast way and on the ordinary one."""

import orjson
import pytest
import redis
from django.test import Client

from deployments import endpoints, prediction_log, receipts
from deployments.choices import RevisionStatus
from deployments.models import Deployment, PredictionReceipt, Revision
from deployments.predictions import repeats, results
from deployments.predictions.repeats import Claim
from deployments.providers.errors import ModelError
from hokusai.web.shelf import Shelf
from tests.factories import ModelVersionFactory, RevisionFactory, api_key

pytestmark = pytest.mark.django_db
ROWS = {"rows": [{"a": 1.5, "b": 2}]}
WAYS = pytest.mark.parametrize("way", ["fast", "ordinary"])
PLACES = pytest.mark.parametrize("place", ["model", "deployment"])


@pytest.fixture(autouse=True)
def redis_server(settings, monkeypatch):
    """Redis without what other tests left there."""
    for module in (repeats, results):
        monkeypatch.setattr(module, "shelf", Shelf())
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


@pytest.fixture
def live(memory) -> Revision:
    row = RevisionFactory(status=RevisionStatus.LIVE)
    row.endpoint = f"memory:{row.public_id}"
    row.save()
    memory.deploy(endpoints.target_of_revision(row.public_id).spec, timeout_s=1.0)
    return row


@pytest.fixture
def entries(monkeypatch):
    """What was handed to the log."""
    noted: list[prediction_log.Entry] = []
    monkeypatch.setattr(prediction_log, "put", noted.append)
    return noted


class Caller:
    """Somebody with a key, on one of the two ways."""

    def __init__(self, live: Revision, way: str = "fast", place: str = "model", **key: object):
        self.key, secret = api_key(live.project, "predict", **key)
        headers = {"authorization": f"Bearer {secret}"}
        if way == "ordinary":
            # A request from another origin is passed on.
            headers["origin"] = "http://testserver"
        self.client = Client(headers=headers)
        name = f"models/{live.deployment.model.model_id}"
        if place == "deployment":
            name = f"deployments/{live.deployment.public_id}"
        self.url = f"/api/v1/{name}/predict"

    def ask(self, body: object = ROWS, **headers: str):
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        kind = headers.pop("content_type", "application/json")
        return self.client.post(self.url, raw, content_type=kind, headers=headers)


@WAYS
@PLACES
def test_a_prediction_is_answered_alike_on_every_way(live, way, place):
    answered = Caller(live, way, place).ask()
    body = answered.json()
    assert answered.status_code == 200
    assert body["outputs"] == [{"prediction": 3.5}]
    assert (body["revision"], body["digest"]) == (live.public_id, live.digest)
    assert answered["X-Request-ID"] == body["request_id"]


def test_a_deployment_is_asked_without_sql_once_it_is_known(live, django_assert_num_queries):
    caller = Caller(live, place="deployment")
    for _ in range(2):
        caller.ask()
    with django_assert_num_queries(0):
        assert caller.ask().status_code == 200


@WAYS
@PLACES
def test_a_key_limited_to_models_predicts_with_those_alone(live, way, place):
    model_id = live.deployment.model.model_id
    assert Caller(live, way, place, model_ids=[model_id]).ask().status_code == 200
    refused = Caller(live, way, place, model_ids=["other.model"]).ask()
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert refused.json()["message"] == "This key may not be used for this model."


@WAYS
@PLACES
def test_a_body_of_another_type_is_unsupported(live, way, place):
    answered = Caller(live, way, place).ask(b"a=1", content_type="text/csv")
    assert (answered.status_code, answered.json()["code"]) == (415, "unsupported_media_type")


@WAYS
@pytest.mark.parametrize("stated", ["0", "600001", "soon"])
def test_a_deadline_out_of_bounds_is_invalid(live, way, stated):
    answered = Caller(live, way).ask(**{"hokusai-deadline-ms": stated})
    assert answered.status_code == 400
    assert answered.json()["context"] == {"header": "Hokusai-Deadline-Ms"}


@WAYS
def test_the_deadline_of_the_header_is_passed_on(live, memory, monkeypatch, way):
    passed = []
    predict = memory.predict_matrix

    def noted(*given, deadline_s, **known):
        passed.append(deadline_s)
        return predict(*given, deadline_s=deadline_s, **known)

    monkeypatch.setattr(memory, "predict_matrix", noted)
    caller = Caller(live, way)
    caller.ask()
    caller.ask(**{"hokusai-deadline-ms": "4000"})
    assert 9 < passed[0] <= 10
    assert 3 < passed[1] <= 4


@WAYS
@PLACES
def test_a_repeat_with_the_same_key_is_answered_as_the_first_was(live, memory, way, place):
    caller = Caller(live, way, place)
    first = caller.ask(**{"idempotency-key": "k"})
    memory.models[live.digest] = lambda row: {"prediction": -1.0}
    second = caller.ask(**{"idempotency-key": "k"})
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second.content == first.content
    assert caller.ask(**{"idempotency-key": "l"}).json()["outputs"] == [{"prediction": -1.0}]


def test_a_repeat_is_known_on_the_other_way_as_well(live):
    _, secret = api_key(live.project, "predict")
    url = f"/api/v1/models/{live.deployment.model.model_id}/predict"
    sent = {"authorization": f"Bearer {secret}", "idempotency-key": "k"}
    ask = {"data": orjson.dumps(ROWS), "content_type": "application/json"}
    first = Client().post(url, **ask, headers=sent)
    second = Client().post(url, **ask, headers={**sent, "origin": "http://testserver"})
    assert second["Idempotent-Replayed"] == "true"
    assert second.content == first.content


@WAYS
def test_another_body_under_the_same_key_is_refused(live, way):
    caller = Caller(live, way)
    caller.ask(**{"idempotency-key": "k"})
    answered = caller.ask({"rows": [{"a": 9}]}, **{"idempotency-key": "k"})
    assert (answered.status_code, answered.json()["code"]) == (422, "idempotency_key_reused")


@WAYS
def test_while_the_first_is_unanswered_a_repeat_is_told_to_wait(live, monkeypatch, way):
    caller = Caller(live, way)
    monkeypatch.setattr(repeats, "keep", lambda *given: None)
    caller.ask(**{"idempotency-key": "k"})
    answered = caller.ask(**{"idempotency-key": "k"})
    assert (answered.status_code, answered.json()["code"]) == (409, "idempotency_in_flight")
    assert int(answered["Retry-After"]) >= 1


@WAYS
def test_what_may_be_tried_again_is_not_kept(live, memory, monkeypatch, way):
    caller = Caller(live, way)

    def fail(*given, **known):
        raise ModelError("The model's process ended.", cause="model_crashed")

    with monkeypatch.context() as patched:
        patched.setattr(memory, "predict_matrix", fail)
        assert caller.ask(**{"idempotency-key": "k"}).status_code == 502
    again = caller.ask(**{"idempotency-key": "k"})
    assert again.status_code == 200
    assert "Idempotent-Replayed" not in again


@WAYS
def test_a_refusal_of_the_rows_is_kept(live, way):
    caller = Caller(live, way)
    body = {"rows": [{"a": "x"}]}
    first = caller.ask(body, **{"idempotency-key": "k"})
    second = caller.ask(body, **{"idempotency-key": "k"})
    assert (first.status_code, second.status_code) == (400, 400)
    assert second["Idempotent-Replayed"] == "true"


@WAYS
def test_without_redis_a_repeat_is_answered_anew(live, monkeypatch, way):
    monkeypatch.setattr(repeats, "claim", lambda *given: Claim())
    caller = Caller(live, way)
    for _ in range(2):
        answered = caller.ask(**{"idempotency-key": "k"})
        assert answered.status_code == 200
        assert "Idempotent-Replayed" not in answered


@WAYS
def test_a_result_that_is_kept_says_so(live, way):
    Deployment.objects.update(personal_data=False)
    caller = Caller(live, way)
    first, second = caller.ask(), caller.ask()
    assert (first["Hokusai-Cache"], second["Hokusai-Cache"]) == ("miss", "hit")
    assert first.json()["request_id"] != second.json()["request_id"]
    Deployment.objects.update(cache_s=0)
    endpoints.outdate(live.deployment.model.model_id)
    assert "Hokusai-Cache" not in caller.ask()


@WAYS
@PLACES
def test_above_the_limit_of_the_deployment_everybody_waits(live, way, place):
    Deployment.objects.update(rate_per_minute=2)
    callers = [Caller(live, way, place) for _ in range(2)]
    # The fast way knows the limit from the second request on; the minute may end once.
    statuses = [callers[n % 2].ask().status_code for n in range(7)]
    assert statuses[:2] == [200, 200]
    last = callers[0].ask()
    assert 429 in statuses
    assert last.status_code != 429 or 0 < int(last["Retry-After"]) <= 60


@WAYS
def test_answers_and_errors_of_a_known_target_are_handed_to_the_log(live, entries, way):
    caller = Caller(live, way)
    answered = caller.ask()
    refused = caller.ask({"rows": [{"a": "x"}]})
    one, other = entries
    assert (one.status, one.code, one.rows, one.cached) == (200, "", 1, False)
    assert (one.request_id, one.answer) == (answered.json()["request_id"], answered.content)
    assert (one.key_id, one.body) == (caller.key.public_id, orjson.dumps(ROWS))
    assert one.target.revision_id == live.public_id
    assert one.total_ms >= one.model_ms >= 0
    assert (other.status, other.code, other.rows) == (400, "invalid_input", 0)
    assert other.answer == refused.content


@WAYS
def test_what_has_no_target_is_not_logged(live, entries, way):
    version = ModelVersionFactory(model__project=live.project)
    caller = Caller(live, way)
    caller.url = f"/api/v1/models/{version.model.model_id}/predict"
    assert caller.ask().status_code == 409
    caller.url = "/api/v1/models/no.such/predict"
    assert caller.ask().status_code == 404
    assert entries == []


@WAYS
@PLACES
def test_a_first_revision_that_starts_asks_for_patience(live, way, place):
    Revision.objects.update(status=RevisionStatus.STARTING)
    answered = Caller(live, way, place).ask()
    assert (answered.status_code, answered.json()["code"]) == (503, "starting")
    assert int(answered["Retry-After"]) >= 1


@WAYS
@PLACES
def test_a_foreign_key_gets_the_404_of_what_is_absent(live, way, place):
    stranger = Caller(RevisionFactory(), way, place)
    stranger.url = Caller(live, way, place).url
    hidden = stranger.ask()
    name = "no.such" if place == "model" else "dep_" + "0" * 32
    stranger.url = f"/api/v1/{place}s/{name}/predict"
    absent = stranger.ask()
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.json()["message"] == absent.json()["message"]


@WAYS
def test_a_receipt_is_asked_for_where_the_caller_wants_one(live, way):
    caller = Caller(live, way)
    assert "Hokusai-Receipt" not in caller.ask()
    answered = caller.ask(**{"hokusai-receipt": "true"})
    receipt = PredictionReceipt.objects.get()
    assert answered["Hokusai-Receipt"] == receipt.public_id
    assert receipt.public_id in answered["Link"]
    assert receipt.request_id == answered.json()["request_id"]
    assert receipt.principal == caller.key.public_id
    assert receipt.output_digest == receipts.output_digest(orjson.dumps([{"prediction": 3.5}]))
