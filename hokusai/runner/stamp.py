"""One page shared by a child and main: since when the child is busy, and what it has done.

    page := busy_since:u64 deadline:u64 requests:u64 errors:u64 batches:u64 rows:u64
            model:u64[BUCKETS] inside:u64[BUCKETS]          all of the machine's byte order

The child writes without a lock, main reads at any time; each number is written in one store. What
a hostile child writes there is only ever taken for numbers, each bounded.
"""

import mmap
import os
import struct
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

FIELDS: Final = struct.Struct("=QQ")
REQUESTS, ERRORS, BATCHES, ROWS, MODEL = range(2, 7)
# Eight buckets per octave of 1,024 ns: a time is told to 6 %, from a microsecond to 9 minutes.
STEPS_LOG2: Final = 3
STEPS: Final = 1 << STEPS_LOG2
BUCKETS: Final = 224
INSIDE: Final = MODEL + BUCKETS
PAGE: Final = struct.Struct(f"={INSIDE + BUCKETS}Q")
# Beyond these nobody believes a child: 2^53 requests, and the last bucket of a time.
MOST: Final = 1 << 53


class Stamp:
    """The child's side. Both times are `time.monotonic_ns()`; busy since 0 means idle."""

    def __init__(self, descriptor: int) -> None:
        self._shared = memoryview(mmap.mmap(descriptor, PAGE.size)).cast("Q")

    def begin(self, deadline_ns: int) -> None:
        """The model begins to work; it must be done at `deadline_ns`."""
        # In this order a reader between the two sees a deadline that is too late, never too early.
        self._shared[1] = deadline_ns
        self._shared[0] = time.monotonic_ns()

    def end(self) -> None:
        """The child is idle."""
        self._shared[0] = 0

    def ran(self, requests: int, rows: int, model_ns: int) -> None:
        """The model ran once, for `requests` of `rows` rows together."""
        shared = self._shared
        shared[BATCHES] += 1
        shared[ROWS] += rows
        shared[MODEL + bucket_of(model_ns)] += requests

    def answered(self, inside_ns: int, *, failed: bool = False) -> None:
        """A request was answered, `inside_ns` after it was read."""
        shared = self._shared
        shared[REQUESTS] += 1
        shared[INSIDE + bucket_of(inside_ns)] += 1
        if failed:
            shared[ERRORS] += 1


@dataclass(frozen=True, slots=True)
class Counters:
    """What a child has done since it started; two add up to those of both.

    `batches`: how often the model ran. `model` and `inside`: requests by the time the model ran
    for them, and by the time between reading and answering them; see `bucket_of`.
    """

    requests: int = 0
    errors: int = 0
    batches: int = 0
    rows: int = 0
    model: tuple[int, ...] = (0,) * BUCKETS
    inside: tuple[int, ...] = (0,) * BUCKETS

    def __add__(self, other: Self) -> "Counters":
        return Counters(
            self.requests + other.requests,
            self.errors + other.errors,
            self.batches + other.batches,
            self.rows + other.rows,
            tuple(map(sum, zip(self.model, other.model, strict=True))),
            tuple(map(sum, zip(self.inside, other.inside, strict=True))),
        )

    @property
    def p50_ms(self) -> float | None:
        """Median of the model's time, in milliseconds; None before the first."""
        return quantile_ms(self.model, 0.5)

    @property
    def p95_ms(self) -> float | None:
        """95th percentile of the model's time, in milliseconds; None before the first."""
        return quantile_ms(self.model, 0.95)

    @property
    def inside_p50_ms(self) -> float | None:
        """Median of the time in the child, waiting for others included."""
        return quantile_ms(self.inside, 0.5)

    @property
    def inside_p95_ms(self) -> float | None:
        """95th percentile of the time in the child."""
        return quantile_ms(self.inside, 0.95)


def bucket_of(elapsed_ns: int) -> int:
    """The bucket a time falls into; those beyond 9 minutes share the last."""
    units = elapsed_ns >> 10
    if units < STEPS:
        return max(units, 0)
    shift = units.bit_length() - STEPS_LOG2 - 1
    return min(shift * STEPS + (units >> shift), BUCKETS - 1)


def middle_ms(bucket: int) -> float:
    """The middle of a bucket's times, in milliseconds."""
    shift = max(bucket // STEPS - 1, 0)
    return (bucket - shift * STEPS + 0.5) * (1024 << shift) / 1e6


def quantile_ms(histogram: Sequence[int], share: float) -> float | None:
    """The time that `share` of the counted do not exceed; None where nothing was counted."""
    wanted = share * sum(histogram)
    seen = 0
    for bucket, count in enumerate(histogram):
        seen += count
        if count and seen >= wanted:
            return middle_ms(bucket)
    return None


def create() -> int:
    """A descriptor for both sides; no name is left on disk."""
    with tempfile.TemporaryFile() as file:
        file.truncate(PAGE.size)
        return os.dup(file.fileno())


def read(descriptor: int) -> tuple[int, int]:
    """(busy since, deadline) in nanoseconds; busy since 0 while idle.

    Read as a file, because a child that shortened a mapping would end main by SIGBUS.
    """
    raw = os.pread(descriptor, FIELDS.size, 0)
    return FIELDS.unpack(raw) if len(raw) == FIELDS.size else (0, 0)


def counters(descriptor: int) -> Counters:
    """What the child counted; zeros where it shortened the page."""
    raw = os.pread(descriptor, PAGE.size, 0)
    if len(raw) != PAGE.size:
        return Counters()
    numbers = [min(number, MOST) for number in PAGE.unpack(raw)]
    requests, errors, batches, rows = numbers[REQUESTS:MODEL]
    model, inside = tuple(numbers[MODEL:INSIDE]), tuple(numbers[INSIDE:])
    return Counters(requests, errors, batches, rows, model, inside)
