import numpy as np
import pytest

from experiments.algorithms.holm import holm
from experiments.algorithms.metrics import SCALE, OutcomeError
from experiments.algorithms.outcomes import PairedOutcomes
from experiments.algorithms.slices import MAX_VALUES, measure_slices
from tests.experiments.algorithms.outcome_examples import paired


def by_night() -> PairedOutcomes:
    """100 rows by day and 100 by night: the candidate wins 20 by day and loses 20 by night."""
    baseline, candidate = np.full(200, SCALE), np.full(200, SCALE)
    baseline[:20] = 0
    candidate[100:120] = 0
    return PairedOutcomes("accuracy", baseline, candidate)


def test_each_value_has_its_own_gain_and_holms_p() -> None:
    slices = {"time": ["day"] * 100 + ["night"] * 100, "half": ["a", "b"] * 100}

    found = measure_slices(by_night(), slices, 0.025, seed=1)

    assert [(one.column, one.value, one.n) for one in found] == [
        ("time", "day", 100),
        ("time", "night", 100),
        ("half", "a", 100),
        ("half", "b", 100),
    ]
    assert [one.delta_ppm for one in found] == [200_000, -200_000, 0, 0]
    assert found[1].high is not None
    assert found[1].high < 0
    assert [one.p_holm for one in found] == holm([one.p_value or 0.0 for one in found])


def test_a_small_slice_shows_scores_but_proves_nothing() -> None:
    outcomes = paired("log_loss", 200)
    slices = {"site": ["rare"] * 10 + ["common"] * 190}

    common, rare = measure_slices(outcomes, slices, 0.025, seed=1)

    assert (rare.value, rare.n, rare.low, rare.p_value, rare.p_holm) == (
        "rare",
        10,
        None,
        None,
        None,
    )
    assert rare.delta_ppm is not None
    assert common.p_holm == common.p_value


def test_a_slice_of_one_class_has_no_area() -> None:
    outcomes = paired("auroc", 200)
    ones = outcomes.baseline[:, 1].astype(str).tolist()

    found = measure_slices(outcomes, {"label": ones}, 0.025, seed=1)

    assert [one.delta_ppm for one in found] == [None, None]


def test_only_the_most_frequent_values_are_measured() -> None:
    values = [str(row % 100) for row in range(200)]

    assert len(measure_slices(by_night(), {"row": values}, 0.025, seed=1)) == MAX_VALUES


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(OutcomeError, match="200 rows, but 1 values of 'time'"):
        measure_slices(by_night(), {"time": ["day"]}, 0.025, seed=1)
