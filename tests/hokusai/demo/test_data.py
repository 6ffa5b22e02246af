import io

import pandas as pd

from hokusai.demo import data
from registry.algorithms import cards


def test_the_parts_of_the_digits_are_disjoint_and_of_their_sizes() -> None:
    parts = data.digits()
    tables = [parts.benchmark, parts.baseline, *parts.honest, parts.shifted]
    assert [len(table) for table in tables] == [1000, 100, 200, 200, 200]
    inputs = pd.concat(tables).drop(columns=data.LABEL)
    assert not inputs.duplicated().any()


def test_shifted_labels_are_all_wrong_and_inputs_are_unchanged() -> None:
    table = data.digits().baseline
    changed = data.relabelled(table)
    assert (changed[data.LABEL] != table[data.LABEL]).all()
    assert changed.drop(columns=data.LABEL).equals(table.drop(columns=data.LABEL))


def test_the_copied_rows_are_the_benchmarks_with_other_labels() -> None:
    parts = data.digits()
    original = parts.benchmark.iloc[: data.COPIED_ROWS]
    assert parts.copied.drop(columns=data.LABEL).equals(original.drop(columns=data.LABEL))
    assert (parts.copied[data.LABEL] != original[data.LABEL]).all()


def test_the_split_is_the_same_each_time() -> None:
    assert data.digits().baseline.equals(data.digits().baseline)


def test_both_file_formats_hold_the_same_rows() -> None:
    table = data.breast_cancer()
    assert len(table) == 569
    assert pd.read_parquet(io.BytesIO(data.as_parquet(table))).equals(table)
    assert len(pd.read_csv(io.BytesIO(data.as_csv(table)))) == 569


def test_the_model_card_of_the_story_says_all_that_production_asks() -> None:
    assert cards.missing(cards.parse(data.MODEL_CARD)) == []
