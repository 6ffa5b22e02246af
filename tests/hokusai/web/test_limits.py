from typing import Any

import pytest
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisDown
from rest_framework.test import APIClient

from hokusai.web import limits
from tests.factories import ProjectFactory, UserFactory, api_key

pytestmark = pytest.mark.django_db


def client_of(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_beyond_the_limit_the_answer_says_when_to_come_back(settings: Settings) -> None:
    settings.RATE_LIMIT = "2/h"
    client = client_of(UserFactory())
    codes = [client.get("/api/v1/me").status_code for _ in range(2)]
    refused = client.get("/api/v1/me")
    assert codes == [200, 200]
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 3600


def test_each_person_and_each_key_has_a_limit_of_its_own(settings: Settings) -> None:
    settings.RATE_LIMIT = "1/h"
    project = ProjectFactory()
    clients = [client_of(UserFactory()), client_of(UserFactory())]
    for _ in range(2):
        _, secret = api_key(project)
        clients.append(APIClient(headers={"X-API-Key": secret}))
    assert [client.get("/api/v1/me").status_code for client in clients] == [200] * 4


def test_refused_callers_are_counted_by_address(settings: Settings) -> None:
    settings.RATE_LIMIT_ANONYMOUS = "1/h"
    client = APIClient(headers={"X-API-Key": "hok_guess"})
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/me").status_code == 429


def test_logins_have_a_limit_of_their_own(settings: Settings) -> None:
    settings.RATE_LIMIT_LOGIN = "1/h"
    client, body = APIClient(), {"username": "nobody", "password": "wrong"}
    assert client.post("/api/v1/auth/token", body).status_code == 401
    assert client.post("/api/v1/auth/token", body).status_code == 429


def test_without_redis_requests_pass_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise RedisDown("no")

    monkeypatch.setattr(limits, "get_usage", down)
    before = limits.UNCOUNTED._value.get()
    assert client_of(UserFactory()).get("/api/v1/me").status_code == 200
    assert limits.UNCOUNTED._value.get() == before + 1


def test_a_body_that_is_too_long_is_refused_before_it_is_read(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = {"slug": "tides", "name": "T" * 200}
    answer = client_of(UserFactory()).post("/api/v1/projects", body)
    assert answer.status_code == 413
    assert answer.json()["context"] == {"limit_bytes": 100}
