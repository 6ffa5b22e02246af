"""The gate's script: what it counts for whom."""

import pytest
import redis

from hokusai.web.callers import Caller, Counted, dump, parse
from hokusai.web.gate import Gate
from tests.factories import ProjectFactory, api_key

pytestmark = pytest.mark.django_db
OTHER = 10**9


@pytest.fixture(autouse=True)
def redis_server(settings):
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


@pytest.fixture
def project():
    return ProjectFactory()


def counted(project, **changes) -> Counted:
    stated = {"name": "m", "per_minute": 5, "project_id": project.pk, "model_id": "tides.forecast"}
    return Counted(**{**stated, **changes})


def targets(door, secret, target, times=2) -> list[int]:
    return [door.admit(secret, "", target).target_count for _ in range(times)]


def test_a_target_is_counted_for_everybody_who_may_ask_it(project):
    door = Gate()
    (_, one), (_, other) = api_key(project, "predict"), api_key(project, "predict")
    assert targets(door, one, counted(project)) == [1, 2]
    assert targets(door, other, counted(project)) == [3, 4]


@pytest.mark.parametrize(
    ("scopes", "fields", "changes"),
    [
        (["read"], {}, {}),
        (["predict"], {}, {"project_id": OTHER}),
        (["predict"], {"model_ids": ["tides.other"]}, {}),
    ],
    ids=["without the scope", "of another project", "limited to another model"],
)
def test_nobody_uses_up_the_limit_of_a_target_that_they_may_not_ask(
    project, scopes, fields, changes
):
    _, secret = api_key(project, *scopes, **fields)
    assert targets(Gate(), secret, counted(project, **changes)) == [0, 0]


def test_a_key_above_its_own_limit_uses_up_no_limit_of_others(project):
    _, secret = api_key(project, "predict", rate_per_minute=1)
    door = Gate()
    assert targets(door, secret, counted(project), times=4)[-1] <= 2


def test_a_key_limited_to_the_model_counts(project):
    _, secret = api_key(project, "predict", model_ids=["tides.forecast"])
    assert targets(Gate(), secret, counted(project)) == [1, 2]


def test_a_caller_who_is_known_is_counted_and_never_kept(project, redis_server):
    known = Caller("ext_1", project.pk, frozenset(["read"]), 10, None, source="external")
    redis_server.set("epoch", "7")
    admissions = [Gate().count(known, "", None, "epoch") for _ in range(2)]
    assert [(one.count, one.external_epoch) for one in admissions] == [(1, b"7"), (2, b"7")]
    assert redis_server.keys("hot:caller:*") == []


def test_a_caller_survives_its_way_through_redis(project):
    _, secret = api_key(project, "read", "predict", model_ids=["a.b", "a.c"])
    admitted = Gate().admit(secret, "").caller
    assert parse(dump(admitted)) == admitted
    assert admitted.may_use("a.b")
    assert not admitted.may_use("a.d")
