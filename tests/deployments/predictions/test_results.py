from dataclasses import replace

import pytest
import redis

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.predictions import results
from deployments.predictions.table import of_rows
from hokusai.web.shelf import Shelf
from tests.factories import RevisionFactory

TABLE = of_rows([{"a": 1, "b": 2}])


@pytest.fixture
def server(settings, monkeypatch):
    monkeypatch.setattr(results, "shelf", Shelf())
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client


@pytest.fixture
def target(db):
    row = RevisionFactory(status=RevisionStatus.LIVE)
    return endpoints.target_of_model(row.deployment.model.model_id)


def test_names_differ_by_bytes_of_the_model_project_and_rows(target):
    names = {
        results.name_of(target, TABLE),
        results.name_of(replace(target, digest="sha256:other"), TABLE),
        results.name_of(replace(target, converted_digest="sha256:other"), TABLE),
        results.name_of(replace(target, project_id=target.project_id + 1), TABLE),
        results.name_of(target, of_rows([{"a": 1, "b": 3}])),
    }
    assert len(names) == 5
    revision = replace(target, revision_id="rev_other", version=9)
    assert results.name_of(revision, TABLE) in names


def test_names_are_keyed_by_the_secret(target, settings):
    before = results.name_of(target, TABLE)
    settings.SECRET_KEY = "another-secret-of-this-test"
    assert results.name_of(target, TABLE) != before


def test_a_result_is_found_until_its_time_is_over(server):
    name = results.PREFIX + "x"
    assert results.find(name) is None
    results.keep(name, b"[1]", 7)
    assert results.find(name) == b"[1]"
    assert 0 < server.ttl(name) <= 7


def test_a_large_result_is_not_kept(server):
    results.keep("large", b"x" * (results.MAX_BYTES + 1), 7)
    assert results.find("large") is None


def test_without_redis_nothing_is_found_and_that_is_counted(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(results, "shelf", Shelf())
    before = results.UNCACHED._value.get()
    assert results.find("x") is None
    results.keep("x", b"[1]", 7)
    assert results.UNCACHED._value.get() == before + 2
