from typing import Any

import numpy as np
import pytest

from experiments.algorithms.metrics import METRICS
from experiments.benchmark_rows import BenchmarkRows, rows_of
from experiments.choices import Split
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Benchmark
from hokusai.storage import stores
from tests.factories import BenchmarkFactory

pytestmark = pytest.mark.django_db
HEADER = "shop,query,mass,region,x,label"
TYPES = ("text", "integer", "number", "text", "number", "integer")


def lines(count: int) -> list[str]:
    return [
        f"s{row // 4},{row // 2},{row % 3 + 0.5},{'north' if row % 2 else ''},{row / 4},{row % 2}"
        for row in range(count)
    ]


def benchmark_of(rows: list[str], **fields: Any) -> Benchmark:
    content = "\n".join([HEADER, *rows]).encode()
    columns = [
        {"name": name, "dtype": dtype} for name, dtype in zip(HEADER.split(","), TYPES, strict=True)
    ]
    benchmark = BenchmarkFactory(**fields)
    version = benchmark.dataset_version
    version.columns, version.file_digest = columns, stores["default"].put(content)
    version.save()
    return benchmark


def xs(rows: BenchmarkRows) -> list[float]:
    return rows.matrix[:, 0].tolist()


def test_the_two_sides_share_no_row_and_miss_none() -> None:
    benchmark = benchmark_of(lines(40), confirmation_ppm=300_000)
    screening = rows_of(benchmark, Split.SCREENING)
    kept = rows_of(benchmark, Split.CONFIRMATION)
    assert (len(screening), len(kept)) == (28, 12)
    assert sorted(xs(screening) + xs(kept)) == [row / 4 for row in range(40)]
    assert xs(screening) == sorted(xs(screening))


def test_rows_of_one_cluster_are_on_one_side() -> None:
    benchmark = benchmark_of(lines(80), confirmation_ppm=500_000, cluster_column="shop")
    sides = [rows_of(benchmark, split) for split in Split]
    shops = [{int(x) for x in xs(side)} for side in sides]
    assert not shops[0] & shops[1]
    assert [len(found) for found in shops] == [10, 10]
    assert sides[0].clusters is not None
    assert sorted(set(sides[0].clusters.tolist())) == list(range(10))


def test_copies_of_a_row_with_another_label_are_on_its_side() -> None:
    copies = [line[:-1] + ("0" if line[-1] == "1" else "1") for line in lines(40)]
    benchmark = benchmark_of(lines(40) + copies, confirmation_ppm=300_000)
    sides = [set(xs(rows_of(benchmark, split))) for split in Split]
    assert not sides[0] & sides[1]


def test_without_a_share_all_rows_decide() -> None:
    benchmark = benchmark_of(lines(40))
    assert len(rows_of(benchmark, Split.SCREENING)) == 40
    with pytest.raises(BenchmarkInvalid, match="no rows for confirmation"):
        rows_of(benchmark, Split.CONFIRMATION)


def test_queries_of_a_ranking_are_its_clusters() -> None:
    benchmark = benchmark_of(lines(40), task="ranking", metric="ndcg@5", group_column="query")
    rows = rows_of(benchmark, Split.SCREENING)
    assert rows.clusters is not None
    assert rows.groups is not None
    assert rows.groups.tolist() == rows.clusters.tolist() == [row // 2 for row in range(40)]
    METRICS["ndcg@5"].check(rows.truth)


def test_weights_and_slices_come_with_their_rows() -> None:
    benchmark = benchmark_of(lines(4), weight_column="mass", slice_columns=["region"])
    rows = rows_of(benchmark, Split.SCREENING)
    assert rows.weights is not None
    assert np.allclose(rows.weights, [0.5, 1.5, 2.5, 0.5])
    assert rows.slices == {"region": ["(none)", "north", "(none)", "north"]}
    assert rows.labels == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("changed", "fields", "said"),
    [
        ("s0,0,-1,north,0,0", {"weight_column": "mass"}, "Weights are numbers"),
        ("s0,0,,north,0,0", {"weight_column": "mass"}, "without a value"),
        (",0,1,north,0,0", {"cluster_column": "shop"}, "without a value"),
        ("s0,0,1,north,0,", {}, "without a label"),
        (
            "s9,0,1,north,0,0",
            {
                "task": "ranking",
                "metric": "ndcg@5",
                "group_column": "query",
                "cluster_column": "shop",
            },
            "more than one cluster",
        ),
    ],
    ids=["negative weight", "no weight", "no cluster", "no label", "group in two clusters"],
)
def test_rows_that_cannot_be_measured_are_refused(
    changed: str, fields: dict[str, Any], said: str
) -> None:
    benchmark = benchmark_of([changed, *lines(40)[1:]], **fields)
    with pytest.raises(BenchmarkInvalid, match=said):
        rows_of(benchmark, Split.SCREENING)


def test_a_column_of_too_many_values_tells_no_slices() -> None:
    benchmark = benchmark_of(lines(60), slice_columns=["x"])
    with pytest.raises(BenchmarkInvalid, match="more than 50 values"):
        rows_of(benchmark, Split.SCREENING)
