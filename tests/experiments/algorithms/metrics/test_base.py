import math

import numpy as np
import pytest

from experiments.algorithms.metrics import METRICS, Floats, Form, MetricBase, OutcomeError, to_fixed


class Ratio(MetricBase):
    """Its author gives no gradient."""

    name = "ratio"
    form = Form.SUMS

    def value(self, means: Floats) -> Floats:
        return means[..., 0] / means[..., 1]


def test_rounding_is_half_to_even() -> None:
    assert to_fixed(np.array([0.5e-6, 1.5e-6, 2.5e-6])).tolist() == [0, 2, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
def test_what_no_integer_can_hold_is_refused(value: float) -> None:
    with pytest.raises(OutcomeError):
        to_fixed(np.array([value]))


def test_the_sign_makes_better_positive() -> None:
    assert (METRICS["accuracy"].sign, METRICS["log_loss"].sign) == (1, -1)


def test_a_metric_without_a_gradient_of_its_own_is_differentiated() -> None:
    means = np.array([[3.0, 2.0], [1.0, 4.0]])

    slopes = Ratio().gradient(means)

    assert slopes[0] == pytest.approx([0.5, -0.75], abs=1e-6)
    assert slopes[1] == pytest.approx([0.25, -0.0625], abs=1e-6)
