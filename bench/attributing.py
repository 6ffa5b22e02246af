"""Exact attribution among ten givers of digits, against the 1,024 fits that it needs, alone.

Ours: a real runner, batches of coalitions in two isolated children at a time, answers scored, kept
outcomes, values with intervals, shares. The fits alone: the same estimators on the same rows in as
many plain processes, which only fit.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

from bench.measuring import Result
from contributions.algorithms.intervals import Attributed
from contributions.algorithms.readings import reading_of
from contributions.algorithms.shapley import shapley_weights
from contributions.algorithms.shares import Worth, split_by_values
from experiments.algorithms.metrics import METRICS, Answers, Task, Truth
from hokusai.runner.client import Assignment, Rows, RunnerClient
from hokusai.runner.errors import RunnerUnavailable

GIVERS, TESTED, BASE, EACH = 10, 800, 150, 80
WORKERS, BATCH = 2, 128
PARAMETERS = {"model": "logistic_regression", "C": 1.0, "max_iter": 100, "missing": "refuse"}
PATIENCE_S = 120

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Attributing:
    """Seconds for all of it; each side `rounds` times, in turns, medians."""

    rounds: int

    def measurements(self) -> dict[str, Callable[[], Result]]:
        """What can be measured without any database."""
        return {"shapley_10": self.shapley_10}

    def shapley_10(self) -> Result:
        """Ten givers of digits, every coalition once; aim 1.2 times the fits alone."""
        mine, theirs = [], []
        with _runner() as client:
            _attributed(client, range(4))
            for _ in range(self.rounds):
                theirs.append(_fits_alone())
                mine.append(_seconds(lambda: _attributed(client, range(1 << GIVERS))))
        ours, peer = statistics.median(mine), statistics.median(theirs)
        note = (
            f"{1 << GIVERS} coalitions of {GIVERS} givers on {TESTED} rows, "
            f"{WORKERS} processes on {os.cpu_count()} cores: {ours:.1f} s with isolation, scores, "
            f"intervals and shares, the fits alone {peer:.1f} s"
        )
        return Result(round(ours, 2), round(peer, 2), round(peer / ours, 2), "s", note)


def digits() -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """1,797 shuffled digits."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(labels))
    return pixels[order], labels[order]


def tables() -> list[npt.NDArray[np.intp]]:
    """Rows of the base, then of each giver; the first rows are tested."""
    ends = [TESTED, TESTED + BASE, *(TESTED + BASE + EACH * n for n in range(1, GIVERS + 1))]
    return [np.arange(start, end) for start, end in pairwise(ends)]


def _attributed(client: RunnerClient, masks: Sequence[int]) -> dict[str, int]:
    """Shares of the givers, from everything that an attribution does."""
    batches = [masks[start : start + BATCH] for start in range(0, len(masks), BATCH)]
    with ThreadPoolExecutor(WORKERS) as pool:
        kept = list(pool.map(lambda batch: _kept(client, batch), batches))
    weights = shapley_weights(GIVERS)
    first = _read(kept[0])
    sums = Attributed(reading_of(METRICS["accuracy"], first[0]), GIVERS)
    for batch, content in zip(batches, kept, strict=True):
        sums.add(weights[:, list(batch)], _read(content))
    found = sums.estimates(0.025)
    worths = [
        Worth(f"0x{place:040x}", round(value * 1e9), max(1, round(low * 1e9)), {str(place): EACH})
        for place, (value, low) in enumerate(zip(found.values, found.low, strict=True))
    ]
    return split_by_values(worths)


def _kept(client: RunnerClient, masks: Sequence[int]) -> bytes:
    """Outcomes (k, n, p) of coalitions, as they are kept."""
    pixels, labels = digits()
    answered = client.fit_predict(
        project="digits",
        assignment=Assignment(
            "scikit-learn",
            "classification",
            [f"p{place}" for place in range(64)],
            list(range(10)),
            PARAMETERS,
        ),
        tables=[Rows(pixels[rows], labels[rows].astype(np.float64)) for rows in tables()],
        coalitions=[[0, *(n + 1 for n in range(GIVERS) if mask >> n & 1)] for mask in masks],
        seeds=[1] * len(masks),
        matrix=pixels[:TESTED],
    )
    truth = Truth(labels[:TESTED])
    outcomes = np.stack([_outcomes(truth, np.asarray(one.values)) for one in answered])
    stream = io.BytesIO()
    np.save(stream, outcomes, allow_pickle=False)
    return zlib.compress(stream.getvalue(), 6)


def _outcomes(truth: Truth, values: npt.NDArray[np.float64]) -> Ints:
    answers = Answers(Task.CLASSIFICATION, values[:, 0].astype(np.int64), list(range(10)))
    return METRICS["accuracy"].components(truth, answers)


def _read(content: bytes) -> Ints:
    found: Ints = np.load(io.BytesIO(zlib.decompress(content)), allow_pickle=False)
    return found


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _fits_alone() -> float:
    """Seconds for the fits in plain processes that are warm when the clock starts."""
    command = [sys.executable, "-m", "bench.attributing"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=alone
        )
        for number in range(WORKERS)
    ]
    for one in processes:
        assert one.stdout is not None
        one.stdout.readline()
    started = time.perf_counter()
    for one in processes:
        one.communicate(b"go\n")
    return time.perf_counter() - started


def fit_part(number: int) -> None:
    """Every WORKERS-th coalition's fit, once somebody says so; nothing else."""
    import warnings  # noqa: PLC0415

    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    warnings.simplefilter("ignore")
    pixels, labels = digits()
    rows = tables()
    print(json.dumps({"ready": number}), flush=True)
    sys.stdin.readline()
    for mask in range(number, 1 << GIVERS, WORKERS):
        chosen = [rows[0], *(rows[n + 1] for n in range(GIVERS) if mask >> n & 1)]
        places = np.concatenate(chosen)
        solver = LogisticRegression(C=1.0, max_iter=100, random_state=1)
        make_pipeline(StandardScaler(), solver).fit(pixels[places], labels[places])


@contextmanager
def _runner() -> Iterator[RunnerClient]:
    """A runner of its own on an empty store."""
    with tempfile.TemporaryDirectory(prefix="hokusai-bench-") as name:
        folder = Path(name)
        (folder / "store").mkdir()
        path = folder / "r.sock"
        command = [sys.executable, "-m", "hokusai.runner", f"--socket={path}"]
        options = [f"--store={folder / 'store'}", "--allow-tier-c"]
        process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
        try:
            client = RunnerClient(str(path))
            _wait(client, process)
            yield client
        finally:
            process.terminate()
            process.wait(60)


def _wait(client: RunnerClient, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            client.health()
        except RunnerUnavailable:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the runner did not start")


if __name__ == "__main__":
    fit_part(int(sys.argv[1]))
