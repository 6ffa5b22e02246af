import numpy as np

from contributions.algorithms.leave_one_out import coalitions, weights
from tests.contributions.algorithms.oracle import case


def test_values_agree_with_pydvl() -> None:
    values = np.array([case()["coalition_values"][mask] for mask in coalitions(6)])
    assert np.allclose(weights(6) @ values, case()["leave_one_out"], atol=1e-12)


def test_of_one_person_the_whole_gain_is_lost() -> None:
    assert coalitions(1) == (0, 1)
    assert (weights(1) @ np.array([2.0, 7.0])).tolist() == [5.0]
