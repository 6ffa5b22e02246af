import pytest

from experiments.algorithms.looks import other_looks
from tests.experiments.algorithms.outcome_examples import paired


def test_three_methods_look_at_a_mean_and_agree_roughly() -> None:
    looks = other_looks(paired("log_loss"), 0.025, 0, seed=1)

    assert [one.method for one in looks] == ["studentised-bootstrap", "bca-bootstrap", "sign-flip"]
    width = looks[0].high - looks[0].low
    for one in looks[1:]:
        assert one.low == pytest.approx(looks[0].low, abs=0.1 * width)
        assert one.p_value == pytest.approx(looks[0].p_value, abs=0.05)


def test_signs_are_not_flipped_where_a_score_is_no_mean() -> None:
    methods = [one.method for one in other_looks(paired("f1", clustered=True), 0.025, 0, seed=1)]

    assert methods == ["studentised-bootstrap", "bca-bootstrap"]


def test_orders_and_few_units_are_not_looked_at() -> None:
    assert other_looks(paired("auroc"), 0.025, 0, seed=1) == ()
    assert other_looks(paired("log_loss", 20), 0.025, 0, seed=1) == ()
