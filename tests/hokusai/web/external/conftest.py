from collections.abc import Iterator

import pytest
import redis

from hokusai.web.external import directory as directories
from hokusai.web.external import memory
from tests.hokusai.web.external.serving import Service, serving


class Clock:
    """The time of day as identities see it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="package")
def _service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def service(_service: Service) -> Iterator[Service]:
    _service.reset()
    yield _service
    _service.answering.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that stands still until a test moves it."""
    clock = Clock(directories.time.time())
    monkeypatch.setattr(directories, "time", clock)
    monkeypatch.setattr(memory, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def redis_server(settings) -> redis.Redis:
    """Redis without what other tests left there, and processes that know nobody."""
    directories.forget_all()
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    return client
