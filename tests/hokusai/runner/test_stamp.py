"""The page a child and main share: times without a lock, counters nobody has to trust."""

import os
import struct
from collections.abc import Iterator

import pytest

from hokusai.runner import stamp
from hokusai.runner.stamp import BUCKETS, MOST, PAGE, Counters, Stamp


@pytest.fixture
def descriptor() -> Iterator[int]:
    made = stamp.create()
    yield made
    os.close(made)


def test_a_busy_child_shows_since_when_and_until_when(descriptor: int) -> None:
    child = Stamp(descriptor)
    child.begin(12345)
    since, deadline = stamp.read(descriptor)
    assert since > 0
    assert deadline == 12345
    child.end()
    assert stamp.read(descriptor)[0] == 0


def test_counters_count_requests_runs_and_rows(descriptor: int) -> None:
    child = Stamp(descriptor)
    child.ran(2, 7, 1_000_000)
    child.answered(2_000_000)
    child.answered(40_000, failed=True)
    found = stamp.counters(descriptor)
    assert (found.requests, found.errors, found.batches, found.rows) == (2, 1, 1, 7)
    assert (sum(found.model), sum(found.inside)) == (2, 2)


def test_quantiles_tell_the_time_to_a_few_percent(descriptor: int) -> None:
    child = Stamp(descriptor)
    for milliseconds in range(1, 101):
        child.ran(1, 1, milliseconds * 1_000_000)
    found = stamp.counters(descriptor)
    assert found.p50_ms == pytest.approx(50, rel=0.07)
    assert found.p95_ms == pytest.approx(95, rel=0.07)


def test_before_the_first_request_there_is_no_quantile(descriptor: int) -> None:
    assert stamp.counters(descriptor) == Counters()
    assert Counters().p50_ms is None


@pytest.mark.parametrize("elapsed_ns", [0, 900, 1024, 8191, 8192, 10**6, 10**9, 5 * 10**11])
def test_a_bucket_holds_the_time_it_was_given(elapsed_ns: int) -> None:
    middle_ns = stamp.middle_ms(stamp.bucket_of(elapsed_ns)) * 1e6
    assert abs(middle_ns - elapsed_ns) <= max(1024, 0.0625 * elapsed_ns)


@pytest.mark.parametrize("elapsed_ns", [-(10**9), 10**30])
def test_a_time_out_of_range_has_a_bucket(elapsed_ns: int) -> None:
    assert stamp.bucket_of(elapsed_ns) in (0, BUCKETS - 1)


def test_counters_of_two_lives_add_up() -> None:
    one = Counters(3, 1, 2, 9, (1, *(0,) * (BUCKETS - 1)))
    both = one + one
    assert (both.requests, both.errors, both.batches, both.rows) == (6, 2, 4, 18)
    assert both.model[0] == 2


def test_nonsense_of_a_child_is_bounded(descriptor: int) -> None:
    os.pwrite(descriptor, b"\xff" * PAGE.size, 0)
    found = stamp.counters(descriptor)
    assert max(found.requests, found.errors, found.batches, found.rows, *found.model) == MOST
    assert found.p95_ms is not None


@pytest.mark.parametrize("size", [0, 8, 100])
def test_a_page_that_was_shortened_counts_nothing(descriptor: int, size: int) -> None:
    os.pwrite(descriptor, struct.pack("=QQQQ", 1, 2, 3, 4), 0)
    os.truncate(descriptor, size)
    assert stamp.counters(descriptor) == Counters()
    assert stamp.read(descriptor) in ((0, 0), (1, 2))
