import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from experiments.algorithms.holm import holm


def test_four_tests_are_corrected_step_by_step() -> None:
    # Holm 1979: the j-th smallest of m is held against alpha / (m - j + 1).
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_the_correction_is_that_of_statsmodels() -> None:
    p_values = np.random.default_rng(1).beta(0.3, 2.0, 25).tolist()

    expected = multipletests(p_values, method="holm")[1]

    assert holm(p_values) == pytest.approx(expected.tolist())


def test_nothing_to_correct_is_nothing() -> None:
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1.0, 1.0]
