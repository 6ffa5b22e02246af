import importlib
import time
from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings
from structlog.testing import capture_logs

from hokusai.celery import app
from hokusai.core import doorbell
from hokusai.core.tasks import ring_each


@pytest.fixture
def real_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bell itself, in place of the one that notes."""
    monkeypatch.undo()
    importlib.reload(doorbell)


@pytest.fixture
def broker_down() -> Iterator[None]:
    """Celery as configured, with a broker on a closed port."""
    deaf = Celery("deaf", broker="redis://127.0.0.1:9/0")
    deaf.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    deaf.set_current()
    yield
    app.set_current()


@pytest.mark.usefixtures("real_bell", "broker_down")
def test_a_broker_that_is_down_keeps_nobody_waiting() -> None:
    started = time.monotonic()
    with capture_logs() as logs:
        doorbell.ring("core.sweep")
    assert time.monotonic() - started < 4
    assert [entry["event"] for entry in logs] == ["doorbell_unheard"]


@pytest.mark.usefixtures("real_bell")
def test_a_ring_reaches_the_queue_that_it_names() -> None:
    app.set_current()
    doorbell.ring("core.run_job", 7, queue="doorbell-test")
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("doorbell-test")
        assert message.headers["task"] == "core.run_job"
        assert message.decode()[0] == [7]
        message.ack()


def test_what_is_gathered_goes_out_as_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[object, ...]] = []
    monkeypatch.setattr(doorbell, "ring", lambda *given, **_: heard.append(given))
    monkeypatch.setattr(doorbell, "GATHER_S", 0.2)
    doorbell.ring_together([("core.run_job", [1], "default")])
    doorbell.ring_together([("core.deliver", ["a|b"], "default"), ("core.run_job", [2], "signing")])
    deadline = time.monotonic() + 5
    while len(heard) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [task for task, _ in heard] == ["core.ring_each"]
    assert [ring[1] for _, rings in heard for ring in rings] == [[1], ["a|b"], [2]]
    ring_each(heard[0][1])
    assert heard[-1] == ("core.run_job", 2)
