"""What deployments need: the twin that serves in this process, and a real runner."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import skops.io
from django.utils import timezone
from sklearn.linear_model import LinearRegression

from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.providers import providers
from deployments.providers.memory import MemoryProvider
from hokusai.core import jobs
from hokusai.core.models import Job
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerUnavailable
from hokusai.storage.local import LocalStore
from tests.factories import RevisionFactory
from tests.hokusai.runner import artifacts
from tests.programs import python

ROOT = Path(__file__).parents[2]


@dataclass
class Doorbell:
    """What was rung for, in order."""

    rings: list[tuple[object, ...]] = field(default_factory=list)

    def __call__(self, task: str, *arguments: object, queue: str = "default") -> None:
        self.rings.append((task, *arguments))

    def of(self, task: str) -> list[object]:
        return [ring[1] for ring in self.rings if ring[0] == task]


@pytest.fixture(autouse=True)
def doorbell(monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """Tasks are noted, never sent: a test runs what it is about."""
    bell = Doorbell()
    monkeypatch.setattr("hokusai.core.doorbell.ring", bell)
    return bell


@pytest.fixture
def memory() -> Iterator[MemoryProvider]:
    """The provider `local` of this test: a twin without children."""
    providers.forget()
    twin = providers["local"]
    assert isinstance(twin, MemoryProvider)
    yield twin
    providers.forget()


@pytest.fixture
def run_job() -> Callable[[Job], Job]:
    """Runs a job as a worker would, and gives the row as it is then."""

    def run(job: Job) -> Job:
        jobs.run(job.pk)
        return Job.objects.get(pk=job.pk)

    return run


@dataclass(frozen=True)
class RunningRunner:
    """A runner process on folders of its own."""

    socket_path: str
    store: LocalStore
    folder: Path

    def put_sum_model(self) -> str:
        """Store a regression whose prediction is the sum of its row; its tree digest."""
        model = LinearRegression().fit([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1.0, 1.0, 2.0])
        tree = self.folder / "sum"
        tree.mkdir(exist_ok=True)
        (tree / "MLmodel").write_bytes(artifacts.mlmodel(artifacts.SKOPS_FLAVORS, ("a", "b")))
        skops.io.dump(model, tree / "model.skops")
        return self.store.put_tree(tree).digest

    def put_code_model(self, source: str) -> str:
        """Store a model of the columns a and b whose `predict(frame)` is in `source`."""
        tree = self.folder / f"code{len(list(self.folder.iterdir()))}"
        for path, content in artifacts.code_model(source, ("a", "b")).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
        return self.store.put_tree(tree).digest


def start_runner(folder: Path) -> "subprocess.Popen[bytes]":
    """A runner process on a folder, ready to be asked."""
    path, root = folder / "r.sock", folder / "store"
    root.mkdir(exist_ok=True)
    command = python("-m", "hokusai.runner", f"--socket={path}", f"--store={root}")
    process = subprocess.Popen([*command, "--allow-tier-c"], cwd=ROOT)
    client, end = RunnerClient(str(path), 60), time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            client.health()
        except RunnerUnavailable:
            time.sleep(0.05)
        else:
            return process
    raise AssertionError("the runner did not start")


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRunner]:
    folder = tmp_path_factory.mktemp("serving")
    folder.chmod(0o700)
    process = start_runner(folder)
    try:
        yield RunningRunner(str(folder / "r.sock"), LocalStore(root=str(folder / "store")), folder)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def past_and_present() -> tuple[Revision, Revision]:
    """A revision that was live once, and the one that is live now."""
    now = timezone.now()
    before = RevisionFactory(
        status=RevisionStatus.RETIRED, live_at=now - timedelta(hours=2), ended_at=now
    )
    live = RevisionFactory(deployment=before.deployment, status=RevisionStatus.LIVE, live_at=now)
    return before, live
