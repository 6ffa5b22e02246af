"""Drills against a real MLflow: nothing twice, nothing lost, and what differs is listed."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models.functions import Now

from hokusai.core import jobs, outbox
from hokusai.core.choices import WorkStatus
from hokusai.core.events import SYSTEM, record
from hokusai.core.models import Delivery, Job
from hokusai.tracking import VersionRecord, tracking
from hokusai.tracking.mlflow import MlflowTracking
from registry import services
from registry.choices import SYNC_SUBSCRIBER, SyncState
from registry.models import ModelVersion, SyncPass, TrackedVersion
from tests.factories import ModelFactory, ModelVersionFactory, ProjectFactory
from tests.registry.proxy import Fault, Faults, answers_503, drops_connection, proxy_before

pytestmark = pytest.mark.django_db
CREATE = "/model-versions/create"


@pytest.fixture
def before(mlflow_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """The platform speaks to MLflow through a proxy that can go wrong."""
    with proxy_before(mlflow_url) as (address, faults):
        use(address, monkeypatch)
        yield faults


def use(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tracking._instances, "default", MlflowTracking(uri=address, timeout_s=20))


def registered(client: MlflowTracking) -> ModelVersion:
    """A version with a name of its own on the shared server, and the event that shows it."""
    run = client._client.create_run(_experiment(client))
    project = ProjectFactory(slug=f"p-{uuid.uuid4().hex[:12]}")
    version = ModelVersionFactory(
        model=ModelFactory(project=project),
        source=f"runs:/{run.info.run_id}/model",
        run_id=run.info.run_id,
    )
    record(
        "version:registered",
        subject=version.public_id,
        actor=SYSTEM,
        project_id=project.pk,
        label=str(version),
    )
    return version


def _experiment(client: MlflowTracking) -> str:
    found = client._client.get_experiment_by_name("drills")
    return found.experiment_id if found else client._client.create_experiment("drills")


def client() -> MlflowTracking:
    found = tracking["default"]
    assert isinstance(found, MlflowTracking)
    return found


def deliver(version: ModelVersion) -> None:
    """Deliver what is due, as the sweep would after each pause."""
    Delivery.objects.filter(status=WorkStatus.QUEUED).update(run_after=Now())
    outbox.deliver(f"{SYNC_SUBSCRIBER}|{version.public_id}")


def there(version: ModelVersion) -> list[VersionRecord]:
    return client().list_versions(name=version.model.model_id).items


def sweep() -> SyncPass:
    services.request_sweep(server="default")
    job = Job.objects.unfinished().get(kind="mlflow_sweep")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == WorkStatus.SUCCEEDED, job.last_error
    return SyncPass.objects.latest("pk")


@pytest.mark.parametrize("fault", [answers_503, drops_connection])
def test_a_create_that_was_committed_and_not_answered_is_not_repeated(
    before: Faults, fault: Fault
) -> None:
    version = registered(client())
    before.after_commit(CREATE, fault)
    deliver(version)
    version.refresh_from_db()
    assert version.sync_state == SyncState.PENDING
    assert len(there(version)) == 1
    deliver(version)
    version.refresh_from_db()
    assert (version.sync_state, len(there(version))) == (SyncState.SYNCED, 1)


@pytest.mark.parametrize("fault", [answers_503, drops_connection])
@pytest.mark.parametrize("path", ["/model-versions/set-tag", "/registered-models/alias"])
def test_a_write_that_was_committed_and_not_answered_is_no_conflict(
    before: Faults, fault: Fault, path: str
) -> None:
    version = registered(client())
    before.after_commit(path, fault)
    deliver(version)
    deliver(version)
    version.refresh_from_db()
    assert version.sync_state == SyncState.SYNCED
    assert not version.conflicts.exists()
    (found,) = there(version)
    assert found.tags["hokusai.version"] == str(version.number)
    assert f"hokusai-{version.number}" in client().get_model(version.model.model_id).aliases


def test_an_unreachable_server_delays_and_loses_nothing(before: Faults) -> None:
    version = registered(client())
    before.down = True
    deliver(version)
    version.refresh_from_db()
    assert version.sync_state == SyncState.PENDING
    before.down = False
    deliver(version)
    version.refresh_from_db()
    assert (version.sync_state, len(there(version))) == (SyncState.SYNCED, 1)


def test_a_sweep_that_is_cut_off_misses_nothing(before: Faults) -> None:
    version = registered(client())
    deliver(version)
    sweep()
    before.after_commit("/model-versions/search", drops_connection)
    services.request_sweep(server="default")
    job = Job.objects.unfinished().get(kind="mlflow_sweep")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == WorkStatus.QUEUED
    assert not TrackedVersion.objects.filter(missed__gt=0).exists()
    Job.objects.update(run_after=Now())
    jobs.run(job.pk)
    assert SyncPass.objects.latest("pk").complete


class OwnServer:
    """An MLflow server of this test alone, to be killed and to come back, perhaps empty."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, None  # type: Path, subprocess.Popen[bytes] | None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, database: str) -> None:
        environment = {
            **os.environ,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
                "--port", str(self.port), "--workers", "1",
                "--backend-store-uri", f"sqlite:///{self.folder}/{database}.db",
                "--artifacts-destination", str(self.folder / "artifacts"),
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        raise TimeoutError("MLflow did not answer.")

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnServer]:
    server = OwnServer(tmp_path)
    server.start("first")
    use(server.url, monkeypatch)
    yield server
    server.kill()


def deliver_and_kill(own: OwnServer, version: ModelVersion) -> None:
    """The server commits the version and dies before it answers."""
    real = client().create_version

    def killed(push: object) -> object:
        made = real(push)  # type: ignore[arg-type]
        own.kill()
        return made

    client().create_version = killed  # type: ignore[method-assign, assignment]
    deliver(version)
    client().create_version = real  # type: ignore[method-assign]


def state_of(version: ModelVersion) -> tuple[str, int]:
    """How the version is shown, and how many of it there are on the server."""
    deliver(version)
    version.refresh_from_db()
    return version.sync_state, len(there(version))


def test_a_server_that_is_killed_and_comes_back_empty_is_told_apart(own: OwnServer) -> None:
    shown, waiting = registered(client()), registered(client())
    assert state_of(shown) == (SyncState.SYNCED, 1)
    deliver_and_kill(own, waiting)
    waiting.refresh_from_db()
    assert waiting.sync_state == SyncState.PENDING
    own.start("first")
    assert state_of(waiting) == (SyncState.SYNCED, 1)
    assert not sweep().report["came_back_empty"]

    own.kill()
    own.start("second")
    assert sweep().report["came_back_empty"]
    assert not TrackedVersion.objects.filter(missing_since__isnull=False).exists()
    assert sweep().report["missing"] == 2
    assert ModelVersion.objects.count() == 2
    # Listed as missing, and not made there a second time.
    assert [state_of(version) for version in (shown, waiting)] == [(SyncState.CONFLICT, 0)] * 2

    own.kill()
    own.start("first")
    assert sweep().report["missing"] == 0
    assert [state_of(version) for version in (shown, waiting)] == [(SyncState.SYNCED, 1)] * 2
