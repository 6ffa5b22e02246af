import time
from types import SimpleNamespace

import orjson
import pytest

from deployments.predictions import bodies
from deployments.providers.errors import ProviderTimeout
from hokusai.core.errors import InvalidInput, OutsideUnavailable
from hokusai.runner import errors
from hokusai.web.problems import UnsupportedBody


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows": [{"a": 1, "b": 2.5}]}',
        b'{"columns": ["a", "b"], "data": [[1, 2.5]]}',
    ],
)
def test_both_forms_are_the_same_rows(body):
    assert bodies.read_json(body).as_rows() == [{"a": 1, "b": 2.5}]


@pytest.mark.parametrize(
    ("body", "context"),
    [
        (b"", {}),
        (b"{", {}),
        (b"[1]", {}),
        (b"{}", {}),
        (b'{"rows": []}', {}),
        (b'{"rows": null}', {}),
        (b'{"rows": {"a": 1}}', {}),
        (b'{"rows": [{"a": 1}, 2]}', {"row": 1}),
        (b'{"columns": ["a"], "data": []}', {}),
        (b'{"columns": ["a", "a"], "data": [[1, 2]]}', {}),
        (b'{"columns": ["a", 1], "data": [[1, 2]]}', {}),
        (b'{"columns": [["a"]], "data": [[1]]}', {}),
        (b'{"columns": ["a", "b"], "data": [[1, 2], [3]]}', {"row": 1, "column": "b"}),
        (b'{"columns": ["a"], "data": [[1, 2]]}', {"row": 0, "column": None}),
        (b'{"columns": ["a"], "data": [5]}', {"row": 0}),
        (b'{"columns": ["a"], "data": [[1], null]}', {"row": 1}),
        (b'{"rows": [{"a": NaN}]}', {}),
        (b'{"rows": [' + b"[" * 5000 + b"]" * 5000 + b"]}", {}),
        (b'{"rows": [{"a": "\\ud800"}]}', {}),
    ],
)
def test_what_is_no_table_is_invalid_and_says_where(body, context):
    with pytest.raises(InvalidInput) as caught:
        bodies.read_json(body)
    assert caught.value.context == context


@pytest.mark.parametrize(
    "given",
    [{"rows": [{"a": 1, "b": 2}] * 3}, {"columns": ["a", "b"], "data": [[1, 2]] * 3}],
)
@pytest.mark.parametrize("limit", ["PREDICT_MAX_ROWS", "PREDICT_MAX_CELLS"])
def test_more_rows_or_values_than_the_limit_are_refused(settings, given, limit):
    setattr(settings, limit, 3)
    body = orjson.dumps(given)
    if limit == "PREDICT_MAX_ROWS":
        assert bodies.read_json(body).count == 3
        settings.PREDICT_MAX_ROWS = 2
    with pytest.raises(InvalidInput, match="at most"):
        bodies.read_json(body)


def test_a_body_of_an_unknown_type_is_refused_and_the_known_ones_are_named():
    with pytest.raises(UnsupportedBody, match="parquet"):
        bodies.read(b"a=1", "application/x-www-form-urlencoded", "p", soon())


def soon(seconds=1.0):
    return time.perf_counter() + seconds


class Reader:
    """A runner that reads, or fails, as told."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.asked = {}

    def read_table(self, **asked):
        self.asked = asked
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def reading(monkeypatch):
    def outcome(given):
        reader = Reader(given)
        monkeypatch.setattr(bodies, "reader", lambda path: reader)
        return reader

    return outcome


@pytest.mark.parametrize(
    ("media_type", "form"),
    [
        (bodies.ARROW_STREAM, "arrow"),
        (bodies.ARROW_FILE, "arrow"),
        (bodies.PARQUET, "parquet"),
    ],
)
def test_tables_are_read_by_the_runner_within_the_limits(reading, settings, media_type, form):
    block = memoryview(bytearray(16))
    reader = reading(SimpleNamespace(columns=("a",), rows=2, block=block))
    table = bodies.read(b"bytes", media_type, "slug", soon(3.0))
    assert (table.count, table.columns, table.block) == (2, ("a",), block)
    assert 2 < reader.asked.pop("deadline_s") <= 3
    assert reader.asked == {
        "project": "slug",
        "form": form,
        "body": b"bytes",
        "max_rows": settings.PREDICT_MAX_ROWS,
        "max_cells": settings.PREDICT_MAX_CELLS,
    }


def test_a_table_that_lies_is_invalid_and_a_runner_that_is_away_is_unavailable(reading):
    reading(errors.InvalidInput("A null.", row=3, column="b"))
    with pytest.raises(InvalidInput) as caught:
        bodies.read(b"x", bodies.PARQUET, "p", soon())
    assert caught.value.context == {"row": 3, "column": "b"}
    reading(errors.RunnerUnavailable("Nobody there."))
    with pytest.raises(OutsideUnavailable) as away:
        bodies.read(b"x", bodies.PARQUET, "p", soon())
    assert away.value.context["retry_after_s"] > 0


def test_an_empty_table_body_is_invalid():
    with pytest.raises(InvalidInput, match="empty"):
        bodies.read(b"", bodies.PARQUET, "p", soon())


def test_a_table_that_is_not_read_by_the_deadline_is_a_timeout(reading):
    reading(errors.InvalidInput("The table takes too long to be read."))
    with pytest.raises(ProviderTimeout):
        bodies.read(b"x", bodies.PARQUET, "p", soon(-1.0))
