from typing import Any

import pytest

from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark
from experiments.planning import Wish, in_words, plan, screening_rows
from tests.factories import BenchmarkFactory, ComparisonFactory

pytestmark = pytest.mark.django_db


def benchmark_of(rows: int = 800, **fields: Any) -> Benchmark:
    benchmark = BenchmarkFactory(**fields)
    version = benchmark.dataset_version
    version.row_count = rows
    version.statistics = {"columns": [{"name": "shop", "distinct": 80}]}
    version.save()
    return benchmark


def test_the_rows_for_a_gain_are_those_of_the_published_plan() -> None:
    # facts: margin 1 pp, true gain 3 pp, 10 % disagreement, 80 % power.
    benchmark = benchmark_of(margin_ppm=10_000, minimum_gain_ppm=0)
    assert plan(benchmark).rows_needed == pytest.approx(2_239, abs=20)
    assert plan(benchmark, Wish(attempt=20)).rows_needed == pytest.approx(5_704, abs=40)


def test_the_next_attempt_and_its_level_are_told() -> None:
    benchmark = benchmark_of()
    ComparisonFactory.create_batch(3, benchmark=benchmark)
    found = plan(benchmark)
    assert (found.attempt, found.alpha_e9) == (4, 949_886)
    assert in_words(found).startswith("This would be attempt 4 on these rows, at level 0.00095")


def test_only_the_rows_that_decide_are_planned_with() -> None:
    assert screening_rows(benchmark_of(confirmation_ppm=300_000)) == (560, None)
    clustered = benchmark_of(confirmation_ppm=500_000, cluster_column="shop")
    assert screening_rows(clustered) == (400, 40)
    found = plan(clustered)
    assert found.effective_rows == 210
    assert "in 40 clusters" in in_words(found)


def test_a_true_gain_at_the_minimum_is_never_sure_to_be_found() -> None:
    benchmark = benchmark_of(1_000_000, minimum_gain_ppm=30_000)
    found = plan(benchmark)
    assert found.rows_needed is None
    assert found.power_of_gain_ppm == 500_000
    assert found.detectable_ppm is not None
    assert found.detectable_ppm > 30_000


def test_more_rows_find_smaller_gains() -> None:
    few, many = plan(benchmark_of(500)), plan(benchmark_of(5_000))
    assert few.detectable_ppm is not None
    assert many.detectable_ppm is not None
    assert many.detectable_ppm < few.detectable_ppm
    assert many.power_of_gain_ppm > few.power_of_gain_ppm
    assert many.rows_needed == few.rows_needed


def test_too_few_rows_find_nothing() -> None:
    found = plan(benchmark_of(20), Wish(disagreement_ppm=50_000))
    assert found.detectable_ppm is None
    assert "bring more rows" in in_words(found)


def test_a_metric_in_units_of_the_label_is_planned_by_its_deviation() -> None:
    benchmark = benchmark_of(task="regression", metric="mae", minimum_gain_ppm=0)
    with pytest.raises(BenchmarkInvalid, match="deviation_ppm"):
        plan(benchmark)
    found = plan(benchmark, Wish(gain_ppm=200_000, deviation_ppm=1_000_000))
    assert found.disagreement_ppm is None
    assert found.rows_needed == pytest.approx(225, abs=3)
    assert "label unit" in in_words(found)


@pytest.mark.parametrize(
    "wish",
    [Wish(gain_ppm=200_000, disagreement_ppm=100_000), Wish(power_ppm=1_000_000)],
    ids=["gain above disagreement", "certainty"],
)
def test_what_cannot_be_planned_for_is_said(wish: Wish) -> None:
    with pytest.raises(BenchmarkInvalid):
        plan(benchmark_of(), wish)
