"""What tests of the registry need: a bell that notes, and a run that logged a model."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.events import Actor
from hokusai.core.models import Job
from hokusai.tracking import RunRecord, tracking
from hokusai.tracking.memory import MemoryTracking
from tests.factories import ProjectFactory, member

MLMODEL = "flavors: {python_function: {}, sklearn: {}}\nrun_id: x\n"


@dataclass
class Doorbell:
    """What was rung for, in order."""

    rings: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, task: str, *arguments: object, queue: str = "default") -> None:
        self.rings.append((task, *arguments))

    def of(self, task: str) -> list[Any]:
        return [ring[1] for ring in self.rings if ring[0] == task]


@pytest.fixture(autouse=True)
def doorbell(monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """Tasks are noted, never sent: a test runs what it is about."""
    bell = Doorbell()
    monkeypatch.setattr("hokusai.core.doorbell.ring", bell)
    return bell


@pytest.fixture
def project() -> Project:
    found: Project = ProjectFactory()
    return found


@pytest.fixture
def engineer(project: Project) -> User:
    return member(project)


@pytest.fixture
def actor(engineer: User) -> Actor:
    return actor_of(engineer)


@pytest.fixture
def mlflow() -> MemoryTracking:
    """The tracking server of this test."""
    client = tracking["default"]
    assert isinstance(client, MemoryTracking)
    return client


@dataclass(frozen=True)
class Run:
    """A run that logged a model under the name `model`."""

    run_id: str
    files: Path

    @property
    def source(self) -> str:
        return f"runs:/{self.run_id}/model"


LogRun = Callable[..., Run]


@pytest.fixture
def log_run(mlflow: MemoryTracking, tmp_path: Path) -> LogRun:
    """Logs a model of these files on the tracking server."""

    def log(files: dict[str, str] | None = None, **metrics: float) -> Run:
        run_id = secrets.token_hex(16)
        folder = tmp_path / run_id
        for name, text in (files or {"MLmodel": MLMODEL, "model.skops": run_id}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        mlflow.runs[run_id] = RunRecord(run_id, metrics, {"C": "1.0"}, {})
        mlflow.artifacts[f"runs:/{run_id}/model"] = folder
        return Run(run_id, folder)

    return log


@pytest.fixture
def run_job() -> Callable[[str], Job]:
    """Runs the open job of a subject as a worker would; the row as it is then."""

    def run(subject: str) -> Job:
        follows = ("artifact_signature", "onnx_conversion")
        job = Job.objects.unfinished().exclude(kind__in=follows).get(subject=subject)
        jobs.run(job.pk)
        return Job.objects.get(pk=job.pk)

    return run
