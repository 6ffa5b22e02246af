import socket
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from hokusai.api import health

NOWHERE = "127.0.0.1:1"


def ready() -> Any:
    return APIClient().get("/api/v1/health/ready")


def all_well(monkeypatch: pytest.MonkeyPatch, **others: bool) -> None:
    probes = {name: (lambda: True) for name in health.PROBES}
    probes |= {name: (lambda state=state: state) for name, state in others.items()}
    monkeypatch.setattr(health, "PROBES", probes)


def test_a_living_process_says_so_without_asking_anybody() -> None:
    assert APIClient().get("/api/v1/health/live").json() == {"status": "ok"}


def test_ready_when_every_part_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    all_well(monkeypatch)
    assert ready().json()["status"] == "ok"


@pytest.mark.parametrize("part", ["database", "redis"])
def test_without_a_needed_part_it_is_down(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    all_well(monkeypatch, **{part: False})
    answer = ready()
    assert answer.status_code == 503
    assert answer.json()["parts"][part] == "down"


@pytest.mark.parametrize("part", ["broker", "tracking", "runner"])
def test_without_another_part_it_is_degraded(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    all_well(monkeypatch, **{part: False})
    answer = ready()
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"][part] == "down"


@pytest.mark.django_db
def test_the_servers_of_this_run_answer() -> None:
    assert health.database_answers()
    assert health.redis_answers()
    assert health.broker_answers()


@pytest.mark.django_db
def test_servers_that_are_not_there_do_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.REDIS_URL = f"redis://{NOWHERE}/0"
    settings.MLFLOW_TRACKING_URI = f"http://{NOWHERE}"
    settings.RUNNER_SOCKET = str(tmp_path / "none.sock")
    parameters = {"host": "127.0.0.1", "port": 1, "dbname": "none", "user": "none"}
    monkeypatch.setattr(health.connection, "get_connection_params", lambda: parameters)
    settings.CELERY_BROKER_URL = f"redis://{NOWHERE}/0"
    assert not health.database_answers()
    assert not health.redis_answers()
    assert not health.broker_answers()
    assert not health.tracking_answers()
    assert not health.runner_answers()


def test_a_runner_that_listens_answers(settings: Settings, tmp_path: Path) -> None:
    settings.RUNNER_SOCKET = str(tmp_path / "runner.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(settings.RUNNER_SOCKET)
        server.listen()
        assert health.runner_answers()
