from typing import Any

import pytest

from experiments.benchmark_columns import (
    Columns,
    check_columns,
    check_labels,
    check_rows,
    confirmation_share,
    too_few_clusters,
)
from experiments.exceptions import BenchmarkInvalid
from registry.models import DatasetVersion
from tests.factories import DatasetVersionFactory

pytestmark = pytest.mark.django_db
TYPES = {
    "row": "integer",
    "x": "number",
    "y": "integer",
    "shop": "text",
    "query": "integer",
    "mass": "number",
    "region": "text",
    "label": "integer",
}


def rows_of(row_count: int = 800, **facts: dict[str, Any]) -> DatasetVersion:
    """Rows of eight columns; `facts` are what intake counted in a column."""
    described = [
        {
            "name": name,
            "type": dtype,
            "missing": 0,
            "distinct": 2,
            "min": 0,
            "max": 1,
            **facts.get(name, {}),
        }
        for name, dtype in TYPES.items()
    ]
    return DatasetVersionFactory(
        columns=[{"name": name, "dtype": dtype} for name, dtype in TYPES.items()],
        id_column="row",
        row_count=row_count,
        statistics={"rows": row_count, "columns": described, "label": None},
    )


def test_features_are_all_numbers_that_serve_nothing_else() -> None:
    columns = Columns("label", None, "shop", "mass", "", ["region"])
    assert check_columns(rows_of(), columns, "classification") == ["x", "y", "query"]
    chosen = Columns("label", ["y", "x"], "shop")
    assert check_columns(rows_of(), chosen, "classification") == ["y", "x"]


@pytest.mark.parametrize(
    ("columns", "task", "said"),
    [
        (Columns("absent"), "classification", "no column 'absent'"),
        (Columns("label", ["x"], "absent"), "classification", "no column 'absent'"),
        (Columns("label", ["x"], slices=["absent"]), "classification", "no column 'absent'"),
        (Columns("label", ["x"], "shop", "", "shop"), "ranking", "used once"),
        (Columns("label", ["x"], weight="shop"), "classification", "finite numbers"),
        (Columns("label", ["x"]), "ranking", "names the column of its groups"),
        (Columns("label", ["x"], group="query"), "regression", "names the column of its groups"),
        (Columns("label", ["mass"], weight="mass"), "classification", "feature 'mass'"),
        (Columns("label", ["row"]), "classification", "feature 'row'"),
        (Columns("label", []), "classification", "at least one feature"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_columns_that_do_not_fit_are_named(columns: Columns, task: str, said: str) -> None:
    with pytest.raises(BenchmarkInvalid, match=said):
        check_columns(rows_of(), columns, task)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"mass": {"min": -0.5}}, "below zero"),
        ({"mass": {"missing": 3}}, "3 rows have no weight"),
        ({"mass": {"max": 0.0}}, "All weights are zero"),
        ({"mass": {"infinite": 1}}, "finite numbers"),
        ({"shop": {"missing": 2}}, "2 rows have no 'shop'"),
        ({"region": {"distinct": 51}}, "at most 50 values"),
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_found_by_what_intake_counted(
    facts: dict[str, Any], said: str
) -> None:
    columns = Columns("label", ["x"], "shop", "mass", "", ["region"])
    with pytest.raises(BenchmarkInvalid, match=said):
        check_columns(rows_of(**facts), columns, "classification")


@pytest.mark.parametrize(
    ("facts", "task", "metric", "said"),
    [
        ({"missing": 4}, "classification", "accuracy", "4 rows have no label"),
        ({"distinct": 1}, "classification", "accuracy", "one class"),
        ({"distinct": 3}, "classification", "auroc", "two classes"),
        ({"distinct": 51}, "classification", "f1", "at most 50 classes"),
        ({"distinct": 99, "type": "number"}, "classification", "accuracy", "regression"),
        ({"type": "text"}, "regression", "mae", "finite numbers"),
        ({"infinite": 1}, "regression", "mae", "finite numbers"),
        ({"min": 2, "max": 2}, "regression", "r2", "same number"),
        ({"min": -1}, "regression", "poisson_deviance", "counts"),
        ({"min": -1}, "ranking", "ndcg@5", "zero or more"),
    ],
    ids=str,
)
def test_a_metric_that_does_not_fit_the_labels_is_refused(
    facts: dict[str, Any], task: str, metric: str, said: str
) -> None:
    with pytest.raises(BenchmarkInvalid, match=said):
        check_labels(rows_of(label=facts), Columns("label"), task, [metric])


@pytest.mark.parametrize(
    ("task", "metric"),
    [("classification", "auroc"), ("regression", "rmse"), ("ranking", "ndcg@10")],
)
def test_a_metric_that_fits_the_labels_is_taken(task: str, metric: str) -> None:
    check_labels(rows_of(), Columns("label"), task, [metric])


def test_no_rows_make_no_benchmark() -> None:
    empty = rows_of(0)
    with pytest.raises(BenchmarkInvalid, match="no rows"):
        check_rows(empty.project.pk, empty)


def test_rows_are_kept_by_default_where_enough_are_left() -> None:
    plain, clustered = Columns("label"), Columns("label", cluster="shop")
    assert confirmation_share(rows_of(800), plain, None) == 300_000
    assert confirmation_share(rows_of(300), plain, None) == 0
    assert confirmation_share(rows_of(shop={"distinct": 120}), clustered, None) == 300_000
    assert confirmation_share(rows_of(shop={"distinct": 40}), clustered, None) == 0
    assert confirmation_share(rows_of(), plain, 0) == 0


def test_a_share_that_leaves_a_side_with_too_little_is_refused() -> None:
    with pytest.raises(BenchmarkInvalid, match="Of 60 rows 18 would be kept"):
        confirmation_share(rows_of(60), Columns("label"), 300_000)
    few = rows_of(shop={"distinct": 50})
    with pytest.raises(BenchmarkInvalid, match="values of 'shop'"):
        confirmation_share(few, Columns("label", cluster="shop"), 500_000)
    with pytest.raises(BenchmarkInvalid, match="nine tenths"):
        confirmation_share(rows_of(), Columns("label"), 950_000)


def test_too_few_clusters_are_said_before_anything_is_decided() -> None:
    assert too_few_clusters(rows_of(shop={"distinct": 29}), Columns("label", cluster="shop"))
    assert not too_few_clusters(rows_of(shop={"distinct": 30}), Columns("label", cluster="shop"))
    assert not too_few_clusters(rows_of(20), Columns("label"))
