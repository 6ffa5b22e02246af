"""A version that crashes is left alone for longer each time, and forgiven after a while."""

import pytest

from hokusai.runner.crashes import Crashes, Pace
from hokusai.runner.errors import ModelCrashed

CRASH = ModelCrashed("ended by itself")


@pytest.mark.parametrize(
    ("crashes", "pause_s"), [(1, 0.1), (2, 0.2), (3, 0.4), (9, 25.6), (10, 30.0), (10_000, 30.0)]
)
def test_the_pause_doubles_up_to_half_a_minute(crashes: int, pause_s: float) -> None:
    assert Pace().pause_s(crashes) == pytest.approx(pause_s)


def test_a_minute_of_health_is_a_fresh_start() -> None:
    crashes = Crashes(Pace())
    for at in (100.0, 200.0):
        crashes.crashed(CRASH, at, lived_s=1.0)
    assert crashes.left_s(200.0) == pytest.approx(0.2)
    crashes.crashed(CRASH, 300.0, lived_s=60.0)
    assert crashes.left_s(300.0) == pytest.approx(0.1)
    assert crashes.left_s(300.2) == 0


def test_only_a_start_after_a_crash_is_a_restart() -> None:
    crashes = Crashes(Pace())
    crashes.started()
    crashes.crashed(CRASH, 1.0, lived_s=1.0)
    crashes.started()
    crashes.rested(2.0)
    crashes.started()
    assert (crashes.restarts, crashes.last_error) == (1, "ended by itself")


def test_an_end_on_purpose_has_no_cause() -> None:
    crashes = Crashes(Pace())
    crashes.crashed(CRASH, 1.0, lived_s=1.0)
    assert crashes.ended_since(0.5)
    assert not crashes.ended_since(1.5)
    crashes.rested(2.0)
    assert crashes.ended_since(1.5)
    assert crashes.cause is None
