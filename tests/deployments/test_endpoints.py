import pytest

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.endpoints import TargetCache, target_of_model
from tests.factories import DeploymentFactory, RevisionFactory


@pytest.mark.django_db
def test_the_live_revision_answers_while_the_next_one_starts():
    live = RevisionFactory(status=RevisionStatus.LIVE)
    RevisionFactory(deployment=live.deployment, status=RevisionStatus.STARTING)
    assert target_of_model(live.deployment.model.model_id).revision_id == live.public_id


@pytest.mark.django_db
def test_the_place_production_answers_for_its_model():
    other = RevisionFactory(deployment__slug="canary", status=RevisionStatus.LIVE)
    main = RevisionFactory(
        deployment=DeploymentFactory(model=other.deployment.model), status=RevisionStatus.LIVE
    )
    assert target_of_model(main.deployment.model.model_id).revision_id == main.public_id


def test_a_kept_target_holds_until_its_epoch_changes():
    loads = []
    cache = TargetCache()
    for epoch in (b"1", b"1", b"2", b"2"):
        cache.get("a.b", epoch, loads.append)
    assert loads == ["a.b", "a.b"]


def test_a_kept_target_is_read_again_after_its_time(monkeypatch):
    loads = []
    cache = TargetCache()
    cache.get("a.b", None, loads.append)
    monkeypatch.setattr(endpoints.time, "monotonic", lambda: 1e12)
    cache.get("a.b", None, loads.append)
    assert loads == ["a.b", "a.b"]


@pytest.mark.django_db(transaction=True)
def test_going_live_raises_the_epoch():
    place = DeploymentFactory()
    key = endpoints.epoch_key(place.model.model_id)
    before = int(endpoints._redis().get(key) or 0)
    endpoints.outdate_on_commit(place)
    assert int(endpoints._redis().get(key)) == before + 1


def test_without_redis_an_epoch_that_is_not_raised_harms_nobody(settings):
    endpoints._redis.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    try:
        endpoints.outdate("a.b")
    finally:
        endpoints._redis.cache_clear()
