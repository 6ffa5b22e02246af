"""A served version's process brought back on demand, and fifty of them on one machine."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import skops.io
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.measuring import Result
from hokusai.runner import memory
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerUnavailable
from hokusai.storage.local import LocalStore

COLD_STARTS, COLD_AIM_MS = 20, 150.0
VERSIONS, MEMORY_AIM_MIB = 50, 2048.0
IDLE_S: Final = 0.05
PATIENCE_S: Final = 120
COLUMNS: Final = [f"pixel_{number}" for number in range(64)]
ROW: Final = dict.fromkeys(COLUMNS, 3.0)


@dataclass(frozen=True)
class Children:
    """Figures of the runner alone, which needs no server."""

    def measurements(self) -> dict[str, Callable[[], Result]]:
        """What can be measured without any database."""
        return {"cold_child": self.cold_child, "memory_50": self.memory_50}

    def cold_child(self) -> Result:
        """From a request to a version whose process ended, to its answer; aim 150 ms."""
        with _runner() as (client, store, _):
            digest = _version(store, 0)
            path = client.serve(project="bench", key="cold", tree_digest=digest, idle_s=IDLE_S)
            cold = [_cold_ms(client, path) for _ in range(COLD_STARTS + 1)][1:]
            warm = [_answer_ms(client, path) for _ in range(COLD_STARTS)]
        median = statistics.median(cold)
        return Result(
            round(median, 1),
            COLD_AIM_MS,
            round(COLD_AIM_MS / median, 2),
            "ms",
            f"against the aim; median of {COLD_STARTS}, {min(cold):.0f} to {max(cold):.0f} ms: a "
            "request that starts an isolated process, loads a skops model of 64 columns and is "
            f"answered; once it is there {statistics.median(warm):.2f} ms",
        )

    def memory_50(self) -> Result:
        """Fifty versions of scikit-learn models, loaded and asked; aim 2 GB in all."""
        with _runner() as (client, store, process):
            started = time.perf_counter()
            for number in range(VERSIONS):
                digest = _version(store, number)
                key = f"version-{number}"
                path = client.serve(project="bench", key=key, tree_digest=digest)
                client.predict(path, rows=[ROW], deadline_s=10)
            loaded_s = time.perf_counter() - started
            held = sorted(one.memory_bytes / (1 << 20) for one in client.stats())
            whole = memory.family_bytes(process.pid) / (1 << 20)
        return Result(
            round(whole, 1),
            MEMORY_AIM_MIB,
            round(MEMORY_AIM_MIB / whole, 2),
            "MiB",
            f"against the aim; proportional set size of the runner and everything it started, "
            f"{len(held)} versions served in {loaded_s:.0f} s, {statistics.median(held):.1f} MiB "
            "each",
        )


def _cold_ms(client: RunnerClient, path: str) -> float:
    end = time.monotonic() + PATIENCE_S
    while client.stats()[0].state != "idle":
        if time.monotonic() > end:
            raise RuntimeError("An idle process does not end.")
        time.sleep(0.02)
    return _answer_ms(client, path)


def _answer_ms(client: RunnerClient, path: str) -> float:
    started = time.perf_counter()
    client.predict(path, rows=[ROW], deadline_s=10)
    return (time.perf_counter() - started) * 1e3


def _version(store: Path, seed: int) -> str:
    """The tree digest of a classifier of digits as MLflow saves it, fitted on rows of its own."""
    pixels, labels = load_digits(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(labels))[:600]
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    fitted.fit(pixels[rows], labels[rows])
    inputs = [{"type": "double", "name": name, "required": True} for name in COLUMNS]
    described = (
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"
        "  sklearn:\n    pickled_model: model.skops\n    serialization_format: skops\n"
        f"signature:\n  inputs: '{json.dumps(inputs)}'\n"
    )
    with tempfile.TemporaryDirectory(prefix="hokusai-bench-") as name:
        Path(name, "MLmodel").write_text(described, "utf-8")
        skops.io.dump(fitted, Path(name, "model.skops"))
        kept = LocalStore(root=str(store))
        digest = kept.put_tree(Path(name)).digest
        kept.materialise(digest)
    return digest


@contextmanager
def _runner() -> Iterator[tuple[RunnerClient, Path, subprocess.Popen[bytes]]]:
    """A runner of its own and its store; it ends with everything it started."""
    with tempfile.TemporaryDirectory(prefix="hokusai-bench-") as name:
        folder = Path(name)
        store = folder / "store"
        store.mkdir()
        path = folder / "r.sock"
        command = [sys.executable, "-m", "hokusai.runner", f"--socket={path}", f"--store={store}"]
        process = subprocess.Popen([*command, "--allow-tier-c"], stderr=subprocess.DEVNULL)
        try:
            client = RunnerClient(str(path), PATIENCE_S)
            _wait(client, process)
            yield client, store, process
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(60)


def _wait(client: RunnerClient, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            client.health()
        except RunnerUnavailable:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The runner did not start.")
