"""What tests of leased work need: a bell that notes, and handlers and subscribers to drive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery.result import EagerResult
from pytest_django import Settings

from hokusai.celery import app
from hokusai.core import subscribers
from hokusai.core.jobs import Work
from hokusai.core.models import Event, Job
from hokusai.core.subscribers import Subscriber


@dataclass
class Doorbell:
    """What was rung for, in order."""

    rings: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, task: str, *arguments: object, queue: str = "default") -> None:
        self.rings.append((task, *arguments, queue))

    def of(self, task: str) -> list[Any]:
        return [ring[1] for ring in self.rings if ring[0] == task]


@pytest.fixture(autouse=True)
def doorbell(monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """Tasks are noted, never sent: a test runs what it is about."""
    bell = Doorbell()
    monkeypatch.setattr("hokusai.core.doorbell.ring", bell)
    return bell


@dataclass
class Handler:
    """A kind of job, `task`, whose body a test chooses."""

    body: Callable[[Work], None] = lambda work: None
    ran: list[int] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)

    def run(self, work: Work) -> None:
        self.ran.append(work.job.token)
        self.body(work)

    def failed(self, job: Job, reason: str) -> None:
        self.told.append((job.subject, reason))


handler = Handler()


def run_handler(work: Work) -> None:
    handler.run(work)


def tell_handler(job: Job, reason: str) -> None:
    handler.failed(job, reason)


@pytest.fixture
def task(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The one kind of job of this test."""
    global handler  # noqa: PLW0603
    handler = Handler()
    monkeypatch.setattr("hokusai.core.jobs.import_string", _found)
    settings.JOBS = {"task": {"handler": "run", "on_failure": "tell", "max_attempts": 3}}
    return handler


def _found(path: str) -> Callable[..., None]:
    return {"run": run_handler, "tell": tell_handler}[path]


Worker = Callable[..., EagerResult]


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Runs a task here as a worker does: a crash is told to the task, not to the caller."""
    app.conf.task_eager_propagates = False

    def run(task: Any, *arguments: object) -> EagerResult:
        result: EagerResult = task.apply(args=arguments)
        return result

    yield run
    app.conf.task_eager_propagates = True


class Listener(Subscriber):
    """Hears of `thing:changed`; a test chooses how it answers."""

    tags = frozenset({"thing:changed"})

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []
        self.answer: Callable[[Event], None] = lambda event: None

    def receive(self, event: Event, *, operation_id: str) -> None:
        self.answer(event)
        self.heard.append((event.subject, event.after["n"]))


LISTENER = "tests.hokusai.core.conftest.Listener"


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """The one subscriber of this test."""
    found = Listener()
    subscribers._all.cache_clear()
    monkeypatch.setattr(subscribers, "_all", lambda: {LISTENER: found})
    return found
