import pytest
from pytest_django import Settings

from experiments.exceptions import BenchmarkInvalid
from experiments.registered_metrics import metric_of, names_for

PATH = "tests.experiments.test_scoring.BigMisses"


def test_a_registered_metric_stands_beside_the_shipped_ones(settings: Settings) -> None:
    settings.BENCHMARK_METRICS = {"big_misses": PATH}
    assert "big_misses" in names_for("regression")
    assert "big_misses" not in names_for("classification")
    found = metric_of("big_misses")
    assert (found.direction, found.unit) == ("lower", "share of rows")


def test_a_name_that_nothing_answers_to_is_refused(settings: Settings) -> None:
    settings.BENCHMARK_METRICS = {}
    with pytest.raises(BenchmarkInvalid, match="big_misses"):
        metric_of("big_misses")


def test_every_task_has_metrics_and_ndcg_any_number_of_places() -> None:
    assert {"accuracy", "auroc", "f1"} <= set(names_for("classification"))
    assert {"mae", "rmse", "r2", "poisson_deviance"} <= set(names_for("regression"))
    assert names_for("ranking") == ["ndcg@10", "ndcg@5"]
    assert metric_of("ndcg@3").name == "ndcg@3"
