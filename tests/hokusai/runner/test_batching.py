"""Holding back is a bet on experience: taken only where it pays, never by who is alone."""

import pytest

from hokusai.runner.batching import MAX_WAIT_NS, TRIAL_EVERY, Pace

US = 1_000
MS = 1_000_000


def experienced(*, fixed: int, turn: int, budget: int = 5 * MS) -> Pace:
    pace = Pace(budget)
    for _ in range(200):
        pace.ran(1, fixed)
        pace.asked_again(turn)
    assert pace.promising() or fixed <= turn
    return pace


def test_a_costly_run_waits_for_callers_that_come_back_soon() -> None:
    pace = experienced(fixed=250 * US, turn=50 * US)
    assert 50 * US < pace.wait_ns(1, expected=7) <= 250 * US


def test_nobody_waits_who_is_alone() -> None:
    assert experienced(fixed=250 * US, turn=50 * US).wait_ns(1, expected=0) == 0


def test_a_cheap_run_never_waits() -> None:
    pace = experienced(fixed=10 * US, turn=50 * US)
    assert not pace.promising()
    assert pace.wait_ns(1, expected=7) == 0


def test_many_in_hand_do_not_wait_for_one() -> None:
    pace = experienced(fixed=250 * US, turn=50 * US)
    assert pace.wait_ns(30, expected=1) == 0


@pytest.mark.parametrize(("budget", "longest"), [(0, 0), (20 * US, 20 * US), (10**12, MAX_WAIT_NS)])
def test_the_budget_is_never_exceeded(budget: int, longest: int) -> None:
    pace = experienced(fixed=100 * MS, turn=30 * MS, budget=budget)
    assert pace.wait_ns(1, expected=9) == longest


def test_what_did_not_pay_is_tried_again_now_and_then() -> None:
    pace = experienced(fixed=250 * US, turn=260 * US)
    waited = [pace.promising() and pace.wait_ns(1, expected=1) for _ in range(3 * TRIAL_EVERY)]
    assert sum(map(bool, waited)) == 3


def test_quicker_callers_are_noticed_at_once_slower_ones_in_time() -> None:
    pace = experienced(fixed=250 * US, turn=200 * US)
    pace.asked_again(40 * US)
    assert pace.turn_ns == 40 * US
    pace.asked_again(400 * US)
    assert 40 * US < pace.turn_ns < 100 * US


def test_large_runs_say_nothing_of_what_a_run_costs_at_least() -> None:
    pace = experienced(fixed=250 * US, turn=50 * US)
    pace.ran(4000, 90 * MS)
    assert pace.fixed_ns == pytest.approx(250 * US)
