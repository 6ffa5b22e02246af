import json

import pytest

from registry.algorithms.table_statistics import MAX_DISTINCT, statistics
from registry.algorithms.tables import read_table

CSV = b"size,kind,label\n1,a,yes\n2,b,no\n3,a,yes\n,a,yes\n"


def column(facts: dict, name: str) -> dict:
    return next(item for item in facts["columns"] if item["name"] == name)


def test_a_numeric_column_is_described() -> None:
    size = column(statistics(read_table(CSV, "csv")), "size")
    assert (size["count"], size["missing"], size["distinct"]) == (3, 1, 3)
    assert (size["min"], size["max"], size["mean"]) == (1.0, 3.0, 2.0)
    assert size["std"] == pytest.approx(1.0)
    assert size["quantiles"]["0.5"] == 2.0
    assert sum(size["histogram"]["counts"]) == 3
    assert len(size["histogram"]["edges"]) == 11


def test_a_text_column_shows_its_most_frequent_values() -> None:
    kind = column(statistics(read_table(CSV, "csv")), "kind")
    assert kind["top"] == [{"value": "a", "count": 3}, {"value": "b", "count": 1}]


def test_the_balance_of_the_label_is_shown() -> None:
    label = statistics(read_table(CSV, "csv"), "label")["label"]
    assert label["classes"][0] == {"value": "yes", "count": 3, "share": 0.75}


def test_without_a_label_there_is_no_balance() -> None:
    assert statistics(read_table(CSV, "csv"))["label"] is None


def test_distinct_values_are_counted_up_to_a_cap() -> None:
    rows = "\n".join(f"v{number}" for number in range(MAX_DISTINCT + 5))
    name = column(statistics(read_table(f"name\n{rows}\n".encode(), "csv")), "name")
    assert (name["distinct"], name["distinct_capped"]) == (MAX_DISTINCT, True)


def test_one_value_alone_and_numbers_at_the_end_of_float64_are_described() -> None:
    facts = statistics(read_table(b"a,b\n5,1.7e308\n5,-1.7e308\n", "csv"))
    assert column(facts, "a")["histogram"] == {"edges": [5.0, 5.0], "counts": [2]}
    assert column(facts, "b")["mean"] == 0.0
    json.dumps(facts, allow_nan=False)


def test_a_column_without_values_says_so() -> None:
    facts = statistics(read_table(b'{"a": 1, "b": null}\n{"a": 2, "b": null}\n', "jsonl"))
    assert column(facts, "b")["missing"] == 2
    json.dumps(facts, allow_nan=False)
