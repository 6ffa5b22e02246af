"""Published and measured numbers of rows.

Connor (1987), Biometrics 43:207-211: to detect a difference with 80 % power at a one-sided 0.025.
"""

import pytest

from experiments.algorithms.power import (
    PowerError,
    design_effect,
    detectable_gain,
    detectable_mean_gain,
    power_at,
    power_at_for_mean,
    rows_needed,
    rows_needed_for_mean,
)
from experiments.algorithms.spending import alpha_for_attempt

FIRST, TWENTIETH = alpha_for_attempt(0.025, 1), alpha_for_attempt(0.025, 20)


@pytest.mark.parametrize(("disagreement", "rows"), [(0.05, 3923), (0.1, 7847)])
def test_rows_for_one_point_against_none_are_connors(disagreement: float, rows: int) -> None:
    assert rows_needed(0.01, disagreement, 0.025) == pytest.approx(rows, abs=1)


@pytest.mark.parametrize(("alpha", "rows"), [(FIRST, 2239), (TWENTIETH, 5704)])
def test_a_margin_costs_rows_and_so_do_attempts(alpha: float, rows: int) -> None:
    assert rows_needed(0.03, 0.1, alpha, margin=0.01) == rows


@pytest.mark.parametrize(("gain", "power"), [(0.03, 0.36), (0.05, 0.93)])
def test_what_800_rows_can_find(gain: float, power: float) -> None:
    assert power_at(800, gain, 0.1, FIRST, margin=0.01) == pytest.approx(power, abs=0.005)


def test_rows_power_and_gain_are_one_relation() -> None:
    rows = rows_needed(0.03, 0.1, FIRST, margin=0.01)

    assert power_at(rows, 0.03, 0.1, FIRST, margin=0.01) == pytest.approx(0.8, abs=1e-3)
    assert detectable_gain(rows, 0.1, FIRST, margin=0.01) == pytest.approx(0.03, abs=1e-5)


def test_a_gain_cannot_exceed_the_disagreement() -> None:
    assert detectable_gain(30, 0.01, FIRST) is None
    assert detectable_gain(4000, 0.01, FIRST, margin=0.02) is None
    with pytest.raises(PowerError, match="disagree"):
        rows_needed(0.2, 0.1, FIRST)


def test_means_are_planned_by_their_deviation() -> None:
    rows = rows_needed_for_mean(0.05, 0.4, FIRST, margin=0.01)

    assert power_at_for_mean(rows, 0.05, 0.4, FIRST, margin=0.01) == pytest.approx(0.8, abs=1e-2)
    assert detectable_mean_gain(rows, 0.4, FIRST, margin=0.01) == pytest.approx(0.05, abs=1e-4)


def test_clusters_dilute_rows() -> None:
    assert design_effect(1, 0.5) == 1
    assert design_effect(40, 0.1) == pytest.approx(4.9)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: rows_needed(0.01, 0.1, FIRST, margin=0.01),
        lambda: rows_needed(0.01, 0.0, FIRST),
        lambda: rows_needed(0.01, 0.1, 0.9),
        lambda: rows_needed(1e-9, 0.1, FIRST),
        lambda: power_at(0, 0.01, 0.1, FIRST),
        lambda: rows_needed_for_mean(0.01, 0.0, FIRST),
        lambda: rows_needed_for_mean(0.01, 1.0, FIRST, margin=0.02),
        lambda: detectable_mean_gain(0, 1.0, FIRST),
        lambda: design_effect(0.5, 0.1),
    ],
)
def test_what_cannot_be_planned_is_said(ask: object) -> None:
    with pytest.raises(PowerError):
        ask()  # type: ignore[operator]


def test_models_that_disagree_only_in_the_candidates_favour_need_few_rows() -> None:
    assert power_at(100, 1.0, 1.0, FIRST) == 1.0
