from datetime import UTC, datetime

import pytest

from experiments.choices import RunLifecycle, RunStatus
from experiments.records import LATEST_MS, as_row
from hokusai.tracking import RunRecord
from registry.models import TrackedExperiment

EXPERIMENT = TrackedExperiment(experiment_id="1", name="digits")
BEGAN_MS = 1_795_163_845_123


def record(**facts: object) -> RunRecord:
    given: dict[str, object] = {
        "run_id": "a" * 32,
        "metrics": {"loss": 0.5},
        "parameters": {"C": "1"},
        "tags": {"team": "risk"},
        "started_at_ms": BEGAN_MS,
    }
    return RunRecord(**{**given, **facts})  # type: ignore[arg-type]


def test_a_record_becomes_a_row() -> None:
    row = as_row(EXPERIMENT, record(name="try", user="ann", ended_at_ms=BEGAN_MS + 1000))
    assert (row.name, row.user, row.status) == ("try", "ann", RunStatus.FINISHED)
    assert row.started_at == datetime(2026, 11, 20, 8, 37, 25, 123_000, UTC)
    assert row.ended_at is not None
    assert (row.ended_at - row.started_at).total_seconds() == 1
    assert (row.metrics, row.parameters, row.tags) == ({"loss": 0.5}, {"C": "1"}, {"team": "risk"})


def test_equal_records_have_equal_digests_in_any_order_of_keys() -> None:
    one = as_row(EXPERIMENT, record(tags={"a": "1", "b": "2"}))
    other = as_row(EXPERIMENT, record(tags={"b": "2", "a": "1"}))
    assert one.digest == other.digest


@pytest.mark.parametrize(
    "change", [{"metrics": {"loss": 0.4}}, {"tags": {}}, {"status": "FAILED"}, {"name": "x"}]
)
def test_any_change_changes_the_digest(change: dict[str, object]) -> None:
    assert as_row(EXPERIMENT, record(**change)).digest != as_row(EXPERIMENT, record()).digest


def test_words_that_are_not_known_do_no_harm() -> None:
    row = as_row(EXPERIMENT, record(status="PAUSED", lifecycle="archived"))
    assert (row.status, row.lifecycle) == (RunStatus.UNKNOWN, RunLifecycle.ACTIVE)


def test_what_the_database_cannot_hold_is_left_out() -> None:
    row = as_row(
        EXPERIMENT,
        record(
            name="a\x00b" + "c" * 600, parameters={"k\x00": "v\x00"}, metrics={"l": float("nan")}
        ),
    )
    assert row.name.startswith("abc")
    assert len(row.name) == 500
    assert (row.parameters, row.metrics) == ({"k": "v"}, {})


@pytest.mark.parametrize("started_at_ms", [-5, 0, LATEST_MS * 1000])
def test_a_time_that_no_calendar_knows_is_brought_inside(started_at_ms: int) -> None:
    assert 1970 <= as_row(EXPERIMENT, record(started_at_ms=started_at_ms)).started_at.year <= 9999
