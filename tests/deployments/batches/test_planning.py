from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.batches.planning import chunks_of
from tests.deployments.batches.conftest import Bench

pytestmark = pytest.mark.django_db


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 100))
def test_parts_cover_every_row_once_and_in_order(sizes: list[int], chunk_rows: int) -> None:
    starts = np.cumsum([0, *sizes]).tolist()
    chunks = chunks_of(starts, chunk_rows)
    ends = [first + rows for first, rows in chunks]
    assert [first for first, _ in chunks] == [0, *ends[:-1]]
    assert ends[-1] == sum(sizes)
    assert all(0 < rows <= chunk_rows for _, rows in chunks)


def test_parts_end_where_row_groups_do() -> None:
    assert chunks_of([0, 40, 80, 120, 130], 100) == [(0, 80), (80, 50)]


@pytest.mark.parametrize(
    ("columns", "message", "column"),
    [
        ({"a": [1.0]}, "The table has no column 'b'.", "b"),
        (
            {"a": [1.0], "b": [1.0], "c": [1.0]},
            "The model knows no column 'c'; leave it out, or name it in ignored_columns.",
            "c",
        ),
        ({"a": [1.0], "B": [1.0]}, "The table has no column 'b'.", "b"),
        ({"a": [1.0], "b": ["x"]}, "Column 'b' holds text; the model needs numbers.", "b"),
    ],
)
def test_columns_that_are_not_the_models_are_named(
    bench: Bench, columns: dict[str, Any], message: str, column: str
) -> None:
    batch = bench.done(bench.dataset(pa.table(columns)))
    assert (batch.status, batch.error, batch.error_column) == ("failed", message, column)
    assert not batch.chunks.exists()


def test_columns_may_be_ignored_and_come_in_any_order(bench: Bench) -> None:
    table = bench.table(8, note=["x"] * 8)
    batch = bench.done(bench.dataset(table.select(["note", "b", "a"])), ignored_columns=["note"])
    found = bench.result(batch)["probability.yes"].to_numpy()
    np.testing.assert_allclose(found, bench.expected(table)[:, 1], rtol=1e-12)


def test_an_id_column_that_is_not_there_is_told(bench: Bench) -> None:
    batch = bench.done(bench.dataset(bench.table(3)), id_column="station")
    assert batch.error == "The table has no id column 'station'."


def test_an_id_column_named_as_an_output_is_refused_before_any_row(bench: Bench) -> None:
    table = bench.table(3, prediction=["x"] * 3)
    batch = bench.done(bench.dataset(table), id_column="prediction")
    assert batch.error == "The id column has the name of an output: 'prediction'."


def test_a_file_in_one_large_row_group_is_written_anew(bench: Bench, settings: Any) -> None:
    table = bench.table(70_000, note=["x"] * 70_000)
    source = bench.dataset(table, group_rows=70_000)
    batch = bench.done(source, ignored_columns=["note"], chunk_rows=20_000)
    assert batch.table_digest != source.file_digest
    written = pq.ParquetFile(pa.BufferReader(bench.store.get(batch.table_digest)))
    assert written.schema_arrow.names == ["a", "b"]
    assert [chunk.rows for chunk in batch.chunks.all()] == [20_000, 20_000, 20_000, 10_000]
    np.testing.assert_allclose(
        bench.result(batch)["probability.yes"].to_numpy(), bench.expected(table)[:, 1], rtol=1e-12
    )


def test_integers_and_booleans_are_numbers_to_the_model(bench: Bench) -> None:
    table = pa.table({"a": [1, 0, 3], "b": [True, False, True]})
    batch = bench.done(bench.dataset(table))
    expected = bench.expected(pa.table({"a": [1.0, 0.0, 3.0], "b": [1.0, 0.0, 1.0]}))
    found = bench.result(batch)["probability.yes"].to_numpy()
    np.testing.assert_allclose(found, expected[:, 1], rtol=1e-12)


def test_no_more_parts_are_asked_for_at_once_than_is_set(bench: Bench, settings: Any) -> None:
    settings.BATCH_PARALLEL = 2
    batch = bench.ask(bench.dataset(bench.table(50)))
    bench.work(1)
    assert batch.chunks.filter(status="asked").count() == 2
    bench.work(1)
    assert batch.chunks.filter(status="asked").count() == 2
    bench.work()
    assert batch.chunks.filter(status="done").count() == 5
