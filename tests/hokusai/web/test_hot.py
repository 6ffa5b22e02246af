"""The fast way: the same answers as the ordinary one, and none of its middleware."""

from datetime import timedelta

import orjson
import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone

from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.providers import providers
from hokusai.accounts.models import ApiKey
from hokusai.accounts.services import actor_of, revoke_api_key
from hokusai.core.models import Event
from hokusai.web import callers, gate, hot
from hokusai.web.receivers import ForgetRevokedKeys
from registry.api.bodies import FIELDS, version_statement
from registry.models import ModelVersion
from tests.factories import (
    DatasetVersionFactory,
    ModelVersionFactory,
    RevisionFactory,
    VersionTagFactory,
    api_key,
)

pytestmark = pytest.mark.django_db
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def redis_server(settings):
    """Redis without what other tests left there."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


@pytest.fixture(autouse=True)
def hot_answers(monkeypatch) -> list[str]:
    """Names of the routes that were answered the fast way."""
    taken: list[str] = []
    observe = hot.HotPathMiddleware._observe

    def noted(self, route, response, call):
        taken.append(route.name)
        observe(self, route, response, call)

    monkeypatch.setattr(hot.HotPathMiddleware, "_observe", noted)
    return taken


@pytest.fixture
def version() -> ModelVersion:
    parent = ModelVersionFactory()
    row = ModelVersionFactory(
        model=parent.model,
        parent=parent,
        metrics={"accuracy": 0.91, "n": 3},
        parameters={"C": "1.0"},
        signature={"inputs": [{"name": "x", "type": "double"}]},
        description='Ünïcode "quoted" \\ text',
    )
    for tag in ("a", "b"):
        VersionTagFactory(version=row, key=tag, value=f"value of {tag}")
    row.training_data.set(DatasetVersionFactory.create_batch(2))
    return row


@pytest.fixture
def live() -> Revision:
    providers.forget()
    row = RevisionFactory(status=RevisionStatus.LIVE)
    row.endpoint = f"memory:{row.public_id}"
    row.save()
    yield row
    providers.forget()


def caller(secret: str, **headers: str) -> Client:
    return Client(headers={"authorization": f"Bearer {secret}", **headers})


def version_url(version: ModelVersion) -> str:
    return f"/api/v1/models/{version.model.model_id}/versions/{version.number}"


def predict(client: Client, live: Revision, body: object):
    url = f"/api/v1/models/{live.deployment.model.model_id}/predict"
    return client.post(url, orjson.dumps(body), content_type="application/json")


def ordinary(secret: str) -> Client:
    """The same caller on the ordinary way: a request from another origin is passed on."""
    return caller(secret, origin="http://testserver")


def test_a_version_is_answered_as_by_the_ordinary_view(version, hot_answers):
    _, secret = api_key(version.project)
    fast = caller(secret).get(version_url(version))
    slow = ordinary(secret).get(version_url(version))
    assert hot_answers == ["version"]
    assert fast.status_code == slow.status_code == 200
    assert fast.json() == slow.json()
    assert list(fast.json()) == list(slow.json())
    assert fast["Content-Type"] == slow["Content-Type"]
    assert fast["X-Request-ID"]


def test_a_prediction_is_answered_as_by_the_ordinary_view(live, hot_answers):
    _, secret = api_key(live.project, "predict")
    rows = {"rows": [{"a": 1, "b": 2}]}
    fast = predict(caller(secret), live, rows)
    slow = predict(ordinary(secret), live, rows)
    assert hot_answers == ["predict"]
    assert fast.status_code == slow.status_code == 200
    one, other = fast.json(), slow.json()
    for body in (one, other):
        assert set(body.pop("timings_ms")) == {"queue", "model", "total"}
        assert len(body.pop("request_id")) > 8
    assert one == other


@pytest.mark.parametrize(
    ("body", "status"),
    [({"rows": [{"a": 1}, {"a": "x"}]}, 400), ({"rows": []}, 400), ([], 400)],
)
def test_errors_have_the_one_body_on_both_ways(live, body, status, hot_answers):
    _, secret = api_key(live.project, "predict")
    fast = predict(caller(secret), live, body)
    slow = predict(ordinary(secret), live, body)
    assert hot_answers == ["predict"]
    assert fast.status_code == slow.status_code == status
    one, other = fast.json(), slow.json()
    assert one.pop("request_id") == fast["X-Request-ID"]
    other.pop("request_id")
    assert one == other


def test_a_malformed_row_is_named_by_row_and_column(live):
    _, secret = api_key(live.project, "predict")
    answered = predict(caller(secret), live, {"rows": [{"a": 1}, {"a": "x"}]}).json()
    assert answered["code"] == "invalid_input"
    assert answered["context"] == {"row": 1, "column": "a"}


def test_a_key_of_another_project_gets_the_404_of_what_is_absent(version, live, hot_answers):
    _, secret = api_key(ModelVersionFactory().project, "read", "predict")
    client = caller(secret)
    hidden, absent = client.get(version_url(version)), client.get(version_url(version) + "99")
    predicted = predict(client, live, {"rows": [{"a": 1}]})
    assert [answer.status_code for answer in (hidden, absent, predicted)] == [404, 404, 404]
    bodies = [answer.json() for answer in (hidden, absent, predicted)]
    for body in bodies:
        body.pop("request_id")
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0] == {
        key: value
        for key, value in ordinary(secret).get(version_url(version)).json().items()
        if key != "request_id"
    }
    assert hot_answers == ["version", "version", "predict"]


def test_a_foreign_key_does_not_profit_from_a_target_that_is_kept(live):
    _, own = api_key(live.project, "predict")
    _, foreign = api_key(ModelVersionFactory().project, "predict")
    assert predict(caller(own), live, {"rows": [{"a": 1}]}).status_code == 200
    assert predict(caller(foreign), live, {"rows": [{"a": 1}]}).status_code == 404


def test_scopes_are_asked_for_on_the_fast_way(version, live):
    _, predicts = api_key(version.project, "predict")
    _, writes = api_key(version.project, "write")
    _, reads = api_key(live.project, "read", "write")
    assert caller(predicts).get(version_url(version)).status_code == 403
    assert caller(writes).get(version_url(version)).status_code == 200
    assert predict(caller(reads), live, {"rows": [{"a": 1}]}).status_code == 403


def test_nothing_deployed_is_a_conflict_and_starting_asks_to_come_again(version, live):
    _, secret = api_key(version.project, "predict")
    url = f"/api/v1/models/{version.model.model_id}/predict"
    answered = caller(secret).post(url, b'{"rows":[{"a":1}]}', content_type="application/json")
    assert (answered.status_code, answered.json()["code"]) == (409, "not_deployed")
    Revision.objects.update(status=RevisionStatus.STARTING)
    _, secret = api_key(live.project, "predict")
    answered = predict(caller(secret), live, {"rows": [{"a": 1}]})
    assert (answered.status_code, answered.json()["code"]) == (503, "starting")
    assert int(answered["Retry-After"]) > 0


def test_a_revoked_key_is_refused_as_soon_as_the_event_is_delivered(version, hot_answers):
    key, secret = api_key(version.project)
    client = caller(secret)
    assert client.get(version_url(version)).status_code == 200
    revoke_api_key(key_id=key.pk, actor=actor_of(key.owner))
    assert client.get(version_url(version)).status_code == 200
    event = Event.objects.get(tag="api-key:revoked")
    ForgetRevokedKeys().receive(event, operation_id=event.public_id)
    assert client.get(version_url(version)).status_code == 401
    assert hot_answers == ["version", "version"]


def test_no_identity_is_kept_longer_than_half_a_minute_or_past_its_key(version, redis_server):
    _, plain = api_key(version.project)
    _, short = api_key(version.project, expires_at=timezone.now() + timedelta(seconds=5))
    for secret, longest_ms in ((plain, 30_000), (short, 5_000)):
        redis_server.flushdb()
        caller(secret).get(version_url(version))
        (name,) = redis_server.keys("hot:caller:*")
        assert 0 < redis_server.pttl(name) <= longest_ms


def test_a_key_that_expired_while_it_was_kept_is_refused(version, hot_answers, settings):
    key, secret = api_key(version.project, expires_at=timezone.now() + timedelta(hours=1))
    past = timezone.now() - timedelta(seconds=1)
    kept = callers.Caller(key.public_id, key.project_id, frozenset(["read"]), 10, past.timestamp())
    name = gate.identity_key(bytes(ApiKey.objects.get().secret_hash))
    redis.Redis.from_url(settings.REDIS_URL).set(name, callers.dump(kept))
    ApiKey.objects.update(expires_at=past)
    assert caller(secret).get(version_url(version)).status_code == 401
    assert hot_answers == []


def test_unknown_keys_leave_no_trace_in_redis(version, redis_server):
    for number in range(3):
        assert caller(f"hok_{number}").get(version_url(version)).status_code == 401
    assert redis_server.keys("hot:*") == []


def test_unknown_keys_are_remembered_within_bounds():
    door = gate.Gate()
    for number in range(gate.UNKNOWN_MAX + 10):
        door._remember_unknown(str(number).encode())
    assert len(door._unknown) == gate.UNKNOWN_MAX
    assert door._known_as_unknown(str(gate.UNKNOWN_MAX).encode())


def test_above_the_limit_of_the_key_it_is_told_to_wait(version):
    _, secret = api_key(version.project, rate_per_minute=2)
    client = caller(secret)
    # The minute may end once in between; then the fourth is the third of no minute.
    statuses = [client.get(version_url(version)).status_code for _ in range(6)]
    last = client.get(version_url(version))
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    assert last.status_code != 429 or 0 < int(last["Retry-After"]) <= 60


def test_without_redis_reads_go_on_unlimited_and_counted(version, settings, redis_server):
    settings.REDIS_URL = NOWHERE
    _, secret = api_key(version.project, rate_per_minute=1)
    before = gate.UNLIMITED._value.get()
    client = caller(secret)
    assert [client.get(version_url(version)).status_code for _ in range(3)] == [200, 200, 200]
    assert gate.UNLIMITED._value.get() == before + 3


def test_without_redis_only_one_request_in_a_second_waits_for_it(monkeypatch):
    door, tries = gate.Gate(), []

    def refuse(*arguments):
        tries.append(arguments)
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(door._redis, "_send", refuse)
    for _ in range(5):
        assert door._ask(("a", "b", "c"), b"", 0) is None
    assert len(tries) == 1


def test_a_redis_that_lost_its_scripts_is_taught_again(version, redis_server):
    _, secret = api_key(version.project)
    client = caller(secret)
    assert client.get(version_url(version)).status_code == 200
    redis_server.script_flush()
    assert client.get(version_url(version)).status_code == 200
    assert len(redis_server.keys("hot:count:*")) >= 1


def test_a_redis_that_closed_an_idle_connection_is_asked_again(version, redis_server):
    _, secret = api_key(version.project)
    client = caller(secret)
    client.get(version_url(version))
    before = gate.UNLIMITED._value.get()
    redis_server.client_kill_filter(_type="normal", skipme=True)
    assert client.get(version_url(version)).status_code == 200
    assert gate.UNLIMITED._value.get() == before


def test_a_read_costs_one_statement_and_a_kept_prediction_none(
    version, live, django_assert_num_queries
):
    _, reads = api_key(version.project)
    _, predicts = api_key(live.project, "predict")
    reader, predictor = caller(reads), caller(predicts)
    reader.get(version_url(version))
    predict(predictor, live, {"rows": [{"a": 1}]})
    with django_assert_num_queries(0):
        # The prepared statement runs past the ORM's counter.
        assert reader.get(version_url(version)).status_code == 200
        assert predict(predictor, live, {"rows": [{"a": 1}]}).status_code == 200


def test_the_statement_of_a_read_is_prepared(version):
    _, secret = api_key(version.project)
    caller(secret).get(version_url(version))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [sent()])
        assert cursor.fetchone() == (1,)


def test_behind_a_pool_of_transactions_nothing_is_prepared(version, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    _, secret = api_key(version.project)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        assert caller(secret).get(version_url(version)).status_code == 200
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone() == (0,)


def sent() -> str:
    """The read's statement as PostgreSQL sees it."""
    text = version_statement(FIELDS)
    for number in range(1, 6):
        text = text.replace("%s", f"${number}", 1)
    return text


@pytest.mark.parametrize("offered", ["client-id.1234", ""])
def test_every_answer_carries_the_request_id(version, offered):
    _, secret = api_key(version.project)
    headers = {"x-request-id": offered} if offered else {}
    answered = caller(secret, **headers).get(version_url(version))
    assert answered["X-Request-ID"] == offered or not offered
    assert len(answered["X-Request-ID"]) > 8


def test_the_header_for_keys_alone_works_too(version, hot_answers):
    _, secret = api_key(version.project)
    assert Client(headers={"x-api-key": secret}).get(version_url(version)).status_code == 200
    assert hot_answers == ["version"]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer eyJ.a.b"}])
def test_other_ways_to_log_in_are_left_to_the_ordinary_view(version, headers, hot_answers):
    assert Client(headers=headers).get(version_url(version)).status_code == 401
    assert hot_answers == []


def test_a_query_goes_the_ordinary_way(version, hot_answers):
    _, secret = api_key(version.project)
    answered = caller(secret).get(version_url(version) + "?fields=number")
    assert answered.json() == {"number": version.number}
    assert hot_answers == []
