"""A batch of a million rows and its peer in turns, in a process with the web's rights.

manage.py shell -c "from bench import batching; batching.measure(FOLDER, ROUNDS)"; prints JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import batch_loop, cpu
from bench.sizes import BATCH_COLUMNS as COLUMNS
from bench.sizes import BATCH_PROCESSES as PROCESSES
from bench.sizes import BATCH_ROWS as ROWS
from deployments.batches import services as batches
from deployments.models import BatchPrediction
from hokusai.accounts import services as accounts
from hokusai.accounts.models import Project, User
from hokusai.storage import stores
from registry.choices import ArtifactState, DatasetState
from registry.models import Dataset, DatasetVersion, Model, ModelVersion

GROUP_ROWS, TRAINED = 1 << 16, 5_000
PATIENCE_S = 120
# Often enough to be exact within a hundredth, seldom enough to cost nothing.
POLL_S = 0.02
MLMODEL = """
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.skops
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
signature:
  inputs: '{inputs}'
"""


def measure(folder: str, rounds: int, pids: list[int | None]) -> None:
    """Seconds of both sides, medians of rounds in turns; the first round only warms.

    `pids`: the processes of our side, whose CPU time is counted.
    """
    place = Path(folder)
    place.mkdir(exist_ok=True)
    make(place)
    version, table, owner = keep(place)
    loops = [_loop(place, number) for number in range(PROCESSES)]
    ours, peer, spent = [], [], []
    for _ in range(rounds + 1):
        before = _cpu_of(loops, pids)
        peer.append(_looped(loops, place))
        batch, took = _ours(version, table, owner)
        ours.append(took)
        spent.append([end - start for start, end in zip(before, _cpu_of(loops, pids), strict=True)])
    for loop in loops:
        loop.communicate()
    print(
        json.dumps(
            {
                "ours_s": round(statistics.median(ours[1:]), 3),
                "peer_s": round(statistics.median(peer[1:]), 3),
                "peer_cpu_s": round(statistics.median(one[0] for one in spent[1:]), 3),
                "ours_cpu_s": [
                    round(statistics.median(one[server] for one in spent[1:]), 3)
                    for server in range(1, len(pids) + 1)
                ],
                "parts": batch.chunks.count(),
                "same": same(batch, place),
            }
        )
    )


def _cpu_of(loops: list["subprocess.Popen[str]"], pids: list[int | None]) -> list[float]:
    """CPU seconds so far of the loops together, then of each server of ours."""
    return [cpu.cpu_s([loop.pid for loop in loops]), *(cpu.cpu_s([pid]) for pid in pids)]


def make(place: Path) -> None:
    """A table of measurements with two decimals, and a model for it."""
    random = np.random.default_rng(1)
    names = [f"x{number}" for number in range(COLUMNS)]
    data = {name: np.round(random.normal(size=ROWS), 2) for name in names}
    pq.write_table(pa.table(data), place / "table.parquet", row_group_size=GROUP_ROWS)
    matrix = np.column_stack([values[:TRAINED] for values in data.values()])
    labels = (matrix[:, :5].sum(axis=1) > 0).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix, labels)
    (place / "model").mkdir()
    skops.io.dump(model, place / "model" / "model.skops")
    inputs = json.dumps([{"type": "double", "name": name} for name in names])
    (place / "model" / "MLmodel").write_text(MLMODEL.format(inputs=inputs))


def keep(place: Path) -> tuple[ModelVersion, DatasetVersion, User]:
    """Both as the registry keeps them; rows were not digested, which no batch looks at."""
    owner, _ = User.objects.get_or_create(username="batch-bench")
    project = Project.objects.create(slug="batch-bench", name="Batches")
    model = Model.objects.create(
        project=project, slug="million", model_id="batch-bench.million", name="Million"
    )
    store = stores["default"]
    version = ModelVersion.objects.create(
        project=project,
        model=model,
        number=1,
        source="s3://bench/models/million",
        artifact_state=ArtifactState.READY,
        tree_digest=store.put_tree(place / "model").digest,
        registered_by=owner,
    )
    dataset = Dataset.objects.create(project=project, slug="million", name="Million")
    table = DatasetVersion.objects.create(
        dataset=dataset,
        number=1,
        state=DatasetState.USABLE,
        file_format="parquet",
        file_digest=store.put_file(place / "table.parquet"),
        size_bytes=(place / "table.parquet").stat().st_size,
        columns=[{"name": f"x{number}", "dtype": "number"} for number in range(COLUMNS)],
        row_count=ROWS,
        uploaded_by=owner,
    )
    return version, table, owner


def _ours(
    version: ModelVersion, table: DatasetVersion, owner: User
) -> tuple[BatchPrediction, float]:
    began = time.perf_counter()
    batch = batches.request_batch(version=version, actor=accounts.actor_of(owner), source=table)
    while time.perf_counter() - began < PATIENCE_S:
        time.sleep(POLL_S)
        batch.refresh_from_db()
        if batch.status not in ("queued", "running"):
            break
    took = time.perf_counter() - began
    if batch.status != "succeeded":
        raise SystemExit(f"The batch is {batch.status}: {batch.error}")
    return batch, took


def _loop(place: Path, number: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.batch_loop", str(place), str(number), str(PROCESSES)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    loop = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=alone
    )
    _heard(loop, "ready")
    return loop


def _looped(loops: list["subprocess.Popen[str]"], place: Path) -> float:
    began = time.perf_counter()
    for loop in loops:
        assert loop.stdin is not None
        loop.stdin.write("go\n")
        loop.stdin.flush()
    for loop in loops:
        _heard(loop, "done")
    batch_loop.join(place, PROCESSES)
    return time.perf_counter() - began


def _heard(loop: "subprocess.Popen[str]", word: str) -> None:
    assert loop.stdout is not None
    if loop.stdout.readline() != f"{word}\n":
        raise SystemExit("The loop ended before it was done.")


def same(batch: BatchPrediction, place: Path) -> bool:
    """Whether both sides gave the same outputs; else the figures mean nothing."""
    mine = pq.read_table(pa.BufferReader(stores["default"].get(batch.output_digest)))
    theirs = pq.read_table(place / "outputs.parquet")
    return mine.column_names == theirs.column_names and all(
        np.allclose(mine[name].to_numpy(), theirs[name].to_numpy(), rtol=1e-12, atol=1e-15)
        for name in mine.column_names
    )
