import time

import orjson
import pytest
import redis

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.models import Deployment
from deployments.predictions import Given, answer, results
from hokusai.core.errors import InvalidInput, OutsideTimeout
from hokusai.web.shelf import Shelf
from tests.factories import RevisionFactory

pytestmark = pytest.mark.django_db
ROWS = b'{"rows": [{"a": 1, "b": 2}]}'


@pytest.fixture(autouse=True)
def server(settings, monkeypatch):
    monkeypatch.setattr(results, "shelf", Shelf())
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


@pytest.fixture
def live(memory):
    row = RevisionFactory(status=RevisionStatus.LIVE)
    row.endpoint = f"memory:{row.public_id}"
    row.save()
    return row


def answered(live, body=ROWS, request_id="req_1", **given):
    model_id = live.deployment.model.model_id
    return answer(
        endpoints.target_of_model(model_id),
        Given(
            body, "application/json", request_id, "key:k", "POST m", time.perf_counter(), **given
        ),
        reload=lambda: endpoints.target_of_model(model_id),
    )


def test_an_answer_states_who_gave_it_and_how_long_it_took(live):
    made = answered(live)
    body = orjson.loads(made.body)
    timings = body.pop("timings_ms")
    assert body == {
        "outputs": [{"prediction": 3.0}],
        "model_id": live.deployment.model.model_id,
        "version": live.version.number,
        "digest": live.digest,
        "deployment": live.deployment.public_id,
        "revision": live.public_id,
        "request_id": "req_1",
    }
    assert set(timings) == {"queue", "model", "total"}
    assert 0 <= timings["queue"] <= timings["total"]
    assert (made.rows, made.cache) == (1, "")


def test_nothing_is_kept_of_personal_data(live, server):
    answered(live)
    assert server.keys("predict:*") == []


def test_the_same_rows_are_answered_from_what_is_kept_under_their_own_request(live, memory):
    Deployment.objects.update(personal_data=False)
    first, second = answered(live), answered(live, request_id="req_2")
    assert (first.cache, second.cache) == ("miss", "hit")
    one, other = orjson.loads(first.body), orjson.loads(second.body)
    assert one["outputs"] == other["outputs"]
    assert other["request_id"] == "req_2"
    assert (second.model_ms, other["timings_ms"]["model"]) == (0.0, 0.0)
    assert answered(live, b'{"rows": [{"a": 2, "b": 1}]}').cache == "miss"


def test_without_redis_a_deployment_that_keeps_results_still_answers(live, settings, monkeypatch):
    Deployment.objects.update(personal_data=False)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(results, "shelf", Shelf())
    assert [answered(live).cache for _ in range(2)] == ["miss", "miss"]


def test_the_deadline_of_the_policy_holds_for_who_states_none(live):
    Deployment.objects.update(deadline_ms=1)
    made = Given(ROWS, "", "req", "key:k", "POST m", time.perf_counter() - 1)
    with pytest.raises(OutsideTimeout):
        answer(endpoints.target_of_model(live.deployment.model.model_id), made, reload=lambda: None)


def test_a_deadline_out_of_bounds_is_refused_before_the_body_is_read(live):
    with pytest.raises(InvalidInput) as caught:
        answered(live, b"no json", deadline="0")
    assert caught.value.context == {"header": "Hokusai-Deadline-Ms"}
