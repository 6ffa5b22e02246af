"""A batch from asking to its outputs: a real runner, workers played by this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from deployments.batches import children, services
from deployments.models import BatchPrediction
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.models import Job
from hokusai.runner.client import RunnerClient
from hokusai.storage import stores
from registry.models import DatasetVersion, ModelVersion
from tests import factories as make
from tests.deployments.conftest import RunningRunner
from tests.hokusai.runner import artifacts

PROJECT = "batches"


@dataclass
class Bench:
    """What batches are tried with: a classifier of `a` and `b`, tables, and a worker."""

    version: ModelVersion
    store: Any
    user: Any

    @property
    def actor(self) -> Any:
        return actor_of(self.user)

    def table(self, rows: int, **columns: Any) -> pa.Table:
        """`rows` rows of `a` and `b`, and further columns."""
        random = np.random.default_rng(5).normal(size=(rows, 2))
        return pa.table({"a": random[:, 0], "b": random[:, 1], **columns})

    def dataset(self, table: pa.Table, group_rows: int = 10, **fields: Any) -> DatasetVersion:
        """A usable dataset version with this table as Parquet."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=group_rows)
        kinds = {"double": "number", "int64": "integer", "bool": "boolean", "string": "text"}
        columns = [{"name": f.name, "dtype": kinds[str(f.type)]} for f in table.schema]
        return make.DatasetVersionFactory(
            dataset__project=self.version.project,
            file_format="parquet",
            file_digest=self.store.put(sink.getvalue().to_pybytes()),
            columns=columns,
            row_count=table.num_rows,
            label_column=fields.pop("label_column", ""),
            **fields,
        )

    def ask(self, source: Any, **options: Any) -> BatchPrediction:
        """A new batch."""
        return services.request_batch(
            version=self.version,
            actor=self.actor,
            source=source,
            options=services.BatchOptions(**{"chunk_rows": 10, **options}),
        )

    def upload(self, content: bytes, file_format: str = "csv") -> services.UploadedTable:
        """A table as it comes with a request."""
        return services.UploadedTable(f"rows.{file_format}", file_format, content)

    def work(self, most: int = 100) -> int:
        """Do what is due, as workers would; how many jobs were run."""
        done = 0
        while done < most:
            job = Job.objects.filter(status=WorkStatus.QUEUED).order_by("pk").first()
            if job is None:
                break
            jobs.run(job.pk)
            done += 1
        return done

    def done(self, source: Any, **options: Any) -> BatchPrediction:
        """A batch, worked on until nothing is due."""
        batch = self.ask(source, **options)
        self.work()
        batch.refresh_from_db()
        return batch

    def result(self, batch: BatchPrediction) -> pa.Table:
        """The outputs of a batch."""
        return pq.read_table(pa.BufferReader(self.store.get(batch.output_digest)))

    def expected(self, table: pa.Table) -> Any:
        """What scikit-learn itself gives: (n, 2) probabilities."""
        return estimator().predict_proba(np.column_stack([table["a"], table["b"]]))


def estimator() -> Any:
    """A fitted classifier of two columns."""
    random = np.random.default_rng(3).normal(size=(60, 2))
    return LogisticRegression().fit(random, np.where(random.sum(axis=1) > 0, "yes", "no"))


@pytest.fixture(scope="session")
def classifier(runner: RunningRunner) -> str:
    """Tree digest of the classifier, in the runner's store."""
    tree = runner.folder / "classifier"
    tree.mkdir()
    (tree / "MLmodel").write_bytes(artifacts.mlmodel(artifacts.SKOPS_FLAVORS, ("a", "b")))
    skops.io.dump(estimator(), tree / "model.skops")
    digest = runner.store.put_tree(tree).digest
    # Warms the project's parent: the first job of a test must not outlive the lease that its
    # heartbeat, on another connection, cannot renew.
    client = RunnerClient(runner.socket_path, 60)
    client.serve(project=PROJECT, key="warm", tree_digest=digest)
    client.stop(key="warm")
    return digest


@pytest.fixture
def use_runner(runner: RunningRunner, settings: Any, tmp_path: Path) -> RunningRunner:
    """The platform speaks to the real runner, and keeps bytes where it reads them."""
    settings.RUNNER_SOCKET = runner.socket_path
    settings.BATCH_FOLDER = tmp_path / "batches"
    stores._instances["default"] = runner.store
    return runner


@pytest.fixture
def bench(use_runner: RunningRunner, classifier: str) -> Bench:
    user = make.UserFactory()
    # One project: the runner warms a parent for each.
    project = make.ProjectFactory(slug=PROJECT)
    version = make.ModelVersionFactory(
        model__project=project, tree_digest=classifier, registered_by=user
    )
    return Bench(version, use_runner.store, user)


@pytest.fixture
def no_children() -> Callable[[], bool]:
    """Whether no child of a batch is left."""
    return lambda: not children.keys_of_batches()
