import pytest

from experiments.algorithms.spending import alpha_for_attempt


def test_all_attempts_together_spend_at_most_alpha() -> None:
    spent = sum(alpha_for_attempt(0.025, k) for k in range(1, 20_000))

    assert 0.0249 < spent < 0.025


def test_each_attempt_has_less_than_the_one_before() -> None:
    assert alpha_for_attempt(0.025, 1) == pytest.approx(0.0151982, abs=1e-7)
    assert alpha_for_attempt(0.025, 2) == alpha_for_attempt(0.025, 1) / 4


@pytest.mark.parametrize(("alpha", "k"), [(0.0, 1), (0.6, 1), (0.025, 0), (float("nan"), 1)])
def test_values_out_of_range_are_refused(alpha: float, k: int) -> None:
    with pytest.raises(ValueError, match=r"alpha|Attempts"):
        alpha_for_attempt(alpha, k)
