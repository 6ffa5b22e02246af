"""Ten thousand paired resamples of 100,000 rows, against scipy's paired bootstrap.

Both run in this process, in turns. scipy is asked with the batch at which it is fastest here; ours
gives more, a sorted t for every resample where scipy gives two ends of an interval.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.measuring import Result
from experiments.algorithms.bootstrap import resample_counts, resample_mean
from experiments.algorithms.paired import count_discordant

ROWS = 100_000
RESAMPLES = 10_000
# What a batch is tried with, and the batches: an index of 8 bytes per row and resample each.
TRIED = 200
BATCHES = (1, 2, 4, 16, 64)

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Resampling:
    """Seconds for one interval; each side `rounds` times, medians."""

    rounds: int

    def measurements(self) -> dict[str, Callable[[], Result]]:
        """What can be measured without any server."""
        return {
            "bootstrap_binary": self.bootstrap_binary,
            "bootstrap_continuous": self.bootstrap_continuous,
        }

    def bootstrap_binary(self) -> Result:
        """Rows of 0 and 1, a tenth of which one model alone gets right; aim 20 times."""
        source = np.random.default_rng(1)
        kind = source.random(ROWS)
        was, now = (kind < 0.95).astype(np.int64), (kind > 0.06).astype(np.int64)
        return self._compared(
            was, now, lambda: resample_counts(count_discordant(was, now), seed=1), "0/1"
        )

    def bootstrap_continuous(self) -> Result:
        """Rows with any values, such as log-loss; aim 5 times."""
        source = np.random.default_rng(2)
        was = source.exponential(0.5, ROWS)
        now = was + source.normal(-0.01, 0.3, ROWS)
        return self._compared(was, now, lambda: resample_mean(now - was, seed=1), "continuous")

    def _compared(self, was: Values, now: Values, ours: Callable[[], object], kind: str) -> Result:
        batch = min(BATCHES, key=lambda size: _seconds(lambda: _scipy(was, now, size, TRIED)))
        mine, theirs = [], []
        for _ in range(self.rounds):
            mine.append(_seconds(ours))
            theirs.append(_seconds(lambda: _scipy(was, now, batch, RESAMPLES)))
        us, peer = statistics.median(mine), statistics.median(theirs)
        note = (
            f"{RESAMPLES} paired resamples of {ROWS} {kind} rows; ours {us:.4f} s on "
            f"{os.cpu_count()} cores; scipy's percentile bootstrap {peer:.1f} s at batch {batch}, "
            f"the fastest of {', '.join(str(size) for size in BATCHES)}"
        )
        return Result(round(us, 4), round(peer, 2), round(peer / us, 2), "s", note)


def _scipy(was: Values, now: Values, batch: int, resamples: int) -> object:
    def gain(first: Values, second: Values, axis: int = -1) -> Values:
        found: Values = (second - first).mean(axis=axis)
        return found

    return stats.bootstrap(
        (was, now),
        gain,
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=resamples,
        batch=batch,
        rng=np.random.default_rng(1),
    )


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
