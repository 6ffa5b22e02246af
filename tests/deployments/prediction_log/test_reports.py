from datetime import UTC, datetime, timedelta

import pytest

from deployments.models import Revision
from deployments.prediction_log.reports import MAX_BUCKETS, percentile, recent, series
from tests.factories import PredictionFactory, RevisionFactory

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def revision(db: None) -> Revision:
    return RevisionFactory()


def test_each_part_of_the_time_has_its_own_numbers(revision: Revision) -> None:
    for milliseconds in range(1, 101):
        PredictionFactory(of=revision, at=AT, total_ms=float(milliseconds))
    PredictionFactory(of=revision, at=AT + timedelta(minutes=59, seconds=59), status=503)
    PredictionFactory(of=revision, at=AT + HOUR)
    PredictionFactory(at=AT)
    first, middle, last = series(revision.deployment, AT, AT + HOUR, 3)
    assert (first.at, first.requests, first.errors) == (AT, 100.0, 0.0)
    assert first.p50_ms == pytest.approx(50, rel=0.05)
    assert first.p95_ms == pytest.approx(95, rel=0.05)
    assert (middle.requests, middle.p50_ms) == (0.0, None)
    assert (last.requests, last.errors, last.p95_ms) == (1.0, 1.0, None)


def test_a_sampled_row_counts_for_those_it_stands_for(revision: Revision) -> None:
    PredictionFactory(of=revision, at=AT, total_ms=1.0, weight=9.0)
    PredictionFactory(of=revision, at=AT, total_ms=100.0)
    PredictionFactory(of=revision, at=AT, status=500)
    (whole,) = series(revision.deployment, AT, AT + HOUR, 1)
    assert (whole.requests, whole.errors) == (11.0, 1.0)
    assert whole.p50_ms == pytest.approx(1, rel=0.05)
    assert whole.p95_ms == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize(("hours", "buckets"), [(0, 1), (-1, 1), (1, 0), (1, MAX_BUCKETS + 1)])
def test_no_time_and_too_many_parts_are_refused(
    hours: int, buckets: int, revision: Revision
) -> None:
    with pytest.raises(ValueError, match="parts"):
        series(revision.deployment, AT, AT + hours * HOUR, buckets)


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_the_latest_come_first_and_failures_alone_where_asked_for(revision: Revision) -> None:
    for number, status in enumerate((200, 500, 200)):
        PredictionFactory(
            of=revision, at=AT + number * HOUR, status=status, request_id=f"r{number}"
        )
    found = recent(revision.deployment, 2)
    assert [one.request_id for one in found] == ["r2", "r1"]
    assert (found[0].version, found[0].revision) == (revision.version.number, revision.number)
    assert [one.request_id for one in recent(revision.deployment, 9, only_errors=True)] == ["r1"]
