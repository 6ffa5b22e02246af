"""What comparisons are tried on: real digits, real models, a real runner that shares their store.

Import the fixtures `workshop` and `measuring` into a conftest; the runner starts once per run.
"""

import csv
import io
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pytest
from pytest_django import Settings
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments import services as experiments
from experiments.models import Benchmark, Comparison
from hokusai.accounts.choices import Role
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core import jobs, outbox
from hokusai.core.models import Job
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerUnavailable
from hokusai.storage import stores
from hokusai.storage.local import LocalStore
from registry import services as registry
from registry.models import DatasetVersion, Model, ModelVersion
from tests.factories import (
    DatasetFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    member,
)
from tests.hokusai.runner import artifacts
from tests.programs import python

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 60
# One name: the runner keeps a warmed parent for each project.
SLUG = "digits"
FEATURES = [f"p{place}" for place in range(64)]
HELD_OUT, BASE, ANNA, BEN, SPARE = (
    slice(0, 800),
    slice(800, 950),
    slice(950, 1150),
    slice(1150, 1350),
    slice(1350, 1450),
)


@cache
def digits() -> tuple[Any, Any]:
    """1,797 shuffled digits: pixels (n, 64) from 0 to 16, and labels (n,)."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(labels))
    return pixels[order], labels[order]


def table(
    part: slice,
    *,
    whole: bool = False,
    shift: int = 0,
    columns: Sequence[str] | None = None,
    extra: str = "",
) -> bytes:
    """Rows of `part` as CSV: pixels as 5 or 5.0, labels moved on by `shift`, an extra column."""
    pixels, labels = digits()
    names = list(columns or [*FEATURES, "label"])
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*names, extra] if extra else names)
    for row, label in zip(pixels[part], labels[part], strict=True):
        cells: dict[str, Any] = {
            name: int(value) if whole else float(value)
            for name, value in zip(FEATURES, row, strict=True)
        }
        cells["label"] = int(label + shift) % 10
        line = [cells[name] for name in names]
        writer.writerow([*line, "x"] if extra else line)
    return stream.getvalue().encode()


def fitted(parts: Sequence[slice], *, shifted: Sequence[slice] = ()) -> Any:
    """A classifier of the digits in `parts`; labels of `shifted` are wrong by one."""
    pixels, labels = digits()
    rows = np.concatenate([pixels[part] for part in [*parts, *shifted]])
    answers = [*(labels[part] for part in parts), *((labels[part] + 1) % 10 for part in shifted)]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=100))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, np.concatenate(answers))


@cache
def saved(kind: str) -> dict[str, bytes]:
    """The files of a model as MLflow saves it with skops."""
    made = {
        "baseline": lambda: fitted([BASE]),
        "honest": lambda: fitted([BASE, ANNA, BEN]),
        "shifted": lambda: fitted([BASE], shifted=[ANNA, BEN]),
    }
    return artifacts.saved_by_mlflow(
        mlflow.sklearn.save_model, sk_model=made[kind](), serialization_format="skops"
    )


@dataclass(frozen=True)
class Workshop:
    """A running runner and the store that it reads."""

    socket_path: str
    store: LocalStore
    process: "subprocess.Popen[bytes]"

    def put(self, files: dict[str, bytes]) -> str:
        """Store a tree; its digest."""
        with tempfile.TemporaryDirectory() as name:
            for path, content in files.items():
                target = Path(name, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            return self.store.put_tree(Path(name)).digest

    def model(self, kind: str) -> str:
        """The tree digest of one of the digits' models: baseline, honest or shifted."""
        return self.put(saved(kind))

    def code(self, source: str) -> str:
        """The tree digest of a model whose code is given."""
        described = artifacts.mlmodel(artifacts.CODE_FLAVORS, tuple(FEATURES))
        return self.put(artifacts.code_model(source) | {"MLmodel": described})

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)


OPEN = pytest.StashKey[Workshop]()


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """One for the run, however many folders import this fixture."""
    if OPEN not in request.config.stash:
        started = _start(tmp_path_factory.mktemp("workshop"))
        request.config.add_cleanup(started.close)
        request.config.stash[OPEN] = started
    return request.config.stash[OPEN]


def _start(folder: Path) -> Workshop:
    folder.chmod(0o700)
    path, root = folder / "r.sock", folder / "store"
    root.mkdir()
    command = python("-m", "hokusai.runner", f"--socket={path}", f"--store={root}")
    process = subprocess.Popen([*command, "--allow-tier-c"], cwd=ROOT)
    client, end = RunnerClient(str(path), timeout_s=60), time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            client.health()
        except RunnerUnavailable:
            time.sleep(0.05)
        else:
            return Workshop(str(path), LocalStore(root=str(root)), process)
    process.kill()
    raise AssertionError("the runner did not start")


@pytest.fixture
def measuring(workshop: Workshop, settings: Settings) -> Iterator[Workshop]:
    """The platform of this test uses the workshop's store and runner."""
    settings.CONTENT_STORES = {
        "default": {
            "BACKEND": "hokusai.storage.local.LocalStore",
            "OPTIONS": {"root": str(workshop.store.root)},
        }
    }
    settings.RUNNER_SOCKET = workshop.socket_path
    # Rows of a test's transaction are invisible to the heartbeat's connection.
    settings.LEASE_S = 600.0
    stores.forget()
    yield workshop
    stores.forget()


@dataclass(frozen=True)
class Bench:
    """A project with an approved benchmark of 800 held-out digits."""

    project: Project
    engineer: User
    reviewer: User
    benchmark: Benchmark
    model: Model

    def version(self, tree_digest: str, *data: DatasetVersion, **fields: Any) -> ModelVersion:
        """A ready version of the digits' model, made from `data`."""
        version: ModelVersion = ModelVersionFactory(
            model=self.model, tree_digest=tree_digest, registered_by=self.engineer, **fields
        )
        version.training_data.set(data)
        return version

    def compare(self, baseline: ModelVersion, candidate: ModelVersion) -> Comparison:
        """Ask for a comparison and do its work."""
        asked = experiments.request_comparison(
            benchmark=self.benchmark,
            baseline=baseline,
            candidate=candidate,
            actor=actor_of(self.engineer),
        )
        return done(asked)


def done(comparison: Comparison) -> Comparison:
    """The comparison once its job was tried."""
    work(comparison.job)
    return Comparison.objects.get(pk=comparison.pk)


def work(job: Job | None) -> Job:
    """Run a job once, as a worker does; the row as it is then."""
    assert job is not None
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def settle() -> None:
    """Run whatever is due, jobs and deliveries, until nothing is."""
    for _ in range(30):
        due = list(Job.objects.claimable().values_list("pk", flat=True))
        streams = outbox.due_streams()
        if not due and not streams:
            return
        for pk in due:
            jobs.run(pk)
        for stream in streams:
            outbox.deliver(stream)
    raise AssertionError("the work does not end")


def usable(
    project: Project, content: bytes, *, label: str = "label", **fields: Any
) -> DatasetVersion:
    """A dataset version whose rows were read."""
    version = registry.add_dataset_version(
        dataset=DatasetFactory(project=project),
        content=content,
        file_format="csv",
        actor=actor_of(member(project)),
        label_column=label,
        **fields,
    )
    work(Job.objects.get(subject=version.public_id))
    return DatasetVersion.objects.get(pk=version.pk)


def bench(content: bytes | None = None, **policy: Any) -> Bench:
    """A project of one engineer and one reviewer, and a benchmark made by one, approved by both."""
    project = ProjectFactory(slug=SLUG)
    engineer, reviewer = member(project, Role.ENGINEER), member(project, Role.REVIEWER)
    draft = experiments.create_benchmark(
        project=project,
        slug="held-out",
        name="Held-out digits",
        dataset_version=usable(project, content or table(HELD_OUT)),
        label_column="label",
        actor=actor_of(engineer),
        **policy,
    )
    benchmark = experiments.approve_benchmark(benchmark_id=draft.pk, actor=actor_of(reviewer))
    return Bench(project, engineer, reviewer, benchmark, ModelFactory(project=project, slug="net"))
