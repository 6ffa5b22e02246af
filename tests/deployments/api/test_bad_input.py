"""Bad input through the whole stack, to real models in the real runner: each has its answer."""

import io
import math
import os
import signal
from dataclasses import replace

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from deployments import endpoints
from deployments.choices import RevisionStatus
from deployments.models import Revision
from deployments.predictions.bodies import ARROW_FILE, ARROW_STREAM, PARQUET
from deployments.providers import providers
from hokusai.runner.client import RunnerClient
from tests.factories import RevisionFactory, api_key
from tests.hokusai.runner import artifacts

pytestmark = pytest.mark.django_db
ROW = {"a": 1.0, "b": 2.0}
BROKEN_MODEL = """
import os, time
def predict(frame):
    if frame.a[0] == 1:
        os._exit(3)
    if frame.a[0] == 2:
        time.sleep(30)
    if frame.a[0] == 3:
        raise ValueError("the value 3 of the column a")
    return [0.5] * len(frame)
"""
SUMS = "bad_sums"
BROKEN_ROW = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}


@pytest.fixture
def serving(runner, settings):
    settings.RUNNER_SOCKET = runner.socket_path
    settings.DEPLOYMENT_PROVIDERS = {
        "local": {
            "BACKEND": "deployments.providers.local.LocalProvider",
            "OPTIONS": {"socket_path": runner.socket_path},
        }
    }
    providers.forget()
    yield RunnerClient(runner.socket_path)
    providers.forget()


def served(digest: str, key: str) -> Revision:
    """A revision whose process outlives the test; its project is the same in every test.

    Each project has a parent of its own, which takes seconds to import the libraries.
    """
    row = RevisionFactory(
        status=RevisionStatus.LIVE, digest=digest, deployment__model__project__slug="bad-input"
    )
    spec = replace(endpoints.target_of_revision(row.public_id).spec, revision_id=key)
    row.endpoint = providers["local"].deploy(spec, timeout_s=60.0).handle
    row.save()
    return row


@pytest.fixture
def sums(serving, runner) -> "Asker":
    """A regression of the columns a and b whose prediction is their sum."""
    return Asker(served(runner.put_sum_model(), SUMS))


@pytest.fixture
def broken(serving, runner, request) -> "Asker":
    """A model that ends, sleeps or raises by what its first row says; a process per test."""
    if serving.health().tier == "C":
        pytest.skip("NOT TESTED: this machine offers no isolation for code of strangers")
    tree = runner.folder / "broken"
    for path, raw in artifacts.code_model(BROKEN_MODEL).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(raw)
    return Asker(served(runner.store.put_tree(tree).digest, f"bad_{request.node.name[-30:]}"))


class Asker:
    """Somebody who may ask a revision's model."""

    def __init__(self, live: Revision) -> None:
        self.live = live
        _, secret = api_key(live.project, "predict")
        self.client = Client(headers={"authorization": f"Bearer {secret}"})
        self.url = f"/api/v1/models/{live.deployment.model.model_id}/predict"

    def ask(self, body: object, kind: str = "application/json", **headers: str):
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.post(self.url, raw, content_type=kind, headers=headers)

    def outputs(self, body: object, kind: str = "application/json") -> list[float]:
        answered = self.ask(body, kind)
        assert answered.status_code == 200, answered.content
        return [round(row["prediction"], 6) for row in answered.json()["outputs"]]


WRONG_ROWS = [
    ([{"a": 1.0}], 0, "b"),
    ([ROW, {"a": 1.0}], 1, "b"),
    ([{**ROW, "c": 3.0}], 0, "c"),
    ([ROW, {"a": 1.0, "B": 2.0}], 1, "b"),
    ([{"a": 1.0, "c": 2.0}], 0, "b"),
    ([ROW, {"a": "1.0", "b": 2.0}], 1, "a"),
    ([ROW, ROW, {"a": None, "b": 2.0}], 2, "a"),
    ([{"a": True, "b": 2.0}], 0, "a"),
    ([{"a": [1.0], "b": 2.0}], 0, "a"),
    ([{"a": 1.0, "b": {"c": 1}}], 0, "b"),
]


def test_rows_that_do_not_fit_are_answered_with_row_and_column(sums):
    for rows, row, column in WRONG_ROWS:
        answered = sums.ask({"rows": rows})
        body = answered.json()
        assert (answered.status_code, body["code"]) == (400, "invalid_input"), rows
        assert (body["context"]["column"], body["context"]["row"] or 0) == (column, row), rows
        assert repr(column) in body["message"]


def test_columns_that_do_not_fit_are_answered_with_row_and_column(sums):
    for columns, data, column in (
        (["a"], [[1.0]], "b"),
        (["a", "c"], [[1.0, 2.0]], "b"),
        (["a", "b", "c"], [[1.0, 2.0, 3.0]], "c"),
        (["a", "b"], [[1.0, "x"]], "b"),
        (["a", "b"], [[1.0, 2.0], [1.0]], "b"),
        (["a", "b"], [[1.0, 2.0], [1.0, None]], "b"),
    ):
        answered = sums.ask({"columns": columns, "data": data})
        assert answered.status_code == 400, data
        assert answered.json()["context"]["column"] == column, data


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows": [{"a": NaN, "b": 1}]}',
        b'{"rows": [{"a": Infinity, "b": 1}]}',
        b'{"rows": [{"a": 1e999, "b": 1}]}',
        b'{"rows": [{"a": 1' + b"0" * 400 + b', "b": 1}]}',
        b'{"rows": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_numbers_that_are_none_and_broken_json_are_invalid(sums, body):
    answered = sums.ask(body)
    assert (answered.status_code, answered.json()["code"]) == (400, "invalid_input")


def test_the_order_of_columns_is_the_callers_to_choose(sums):
    assert sums.outputs({"columns": ["b", "a"], "data": [[2, 1.5], [0, 1]]}) == [3.5, 1.0]
    assert sums.outputs({"rows": [{"b": 2, "a": 1.5}, {"a": 1, "b": 0}]}) == [3.5, 1.0]


def test_ten_megabytes_are_too_large_and_a_little_less_is_judged(sums, settings):
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    large = b'{"rows": [' + b" " * limit + b"]}"
    answered = sums.ask(large)
    assert (answered.status_code, answered.json()["code"]) == (413, "body_too_large")
    rows = b",".join([b'{"a":1,"b":2}'] * (limit // 14 - 10))
    answered = sums.ask(b'{"rows":[' + rows + b"]}")
    assert answered.status_code == 400
    assert answered.json()["context"]["rows"] > settings.PREDICT_MAX_ROWS


def test_many_rows_are_answered_in_their_order(sums):
    data = [[n, n / 2] for n in range(1000)]
    assert sums.outputs({"columns": ["a", "b"], "data": data}) == [n * 1.5 for n in range(1000)]


def table(**columns: list[object]) -> pa.Table:
    return pa.table(columns or {"b": [2.0, 4.0], "a": [1, 3]})


def as_arrow(given: pa.Table, make: object = pa.ipc.new_stream) -> bytes:
    sink = io.BytesIO()
    with make(sink, given.schema) as writer:
        writer.write_table(given)
    return sink.getvalue()


def as_parquet(given: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(given, sink, **options)
    return sink.getvalue()


def test_arrow_and_parquet_are_answered_as_rows_are(sums):
    assert sums.outputs(as_arrow(table()), ARROW_STREAM) == [3.0, 7.0]
    assert sums.outputs(as_arrow(table(), pa.ipc.new_file), ARROW_FILE) == [3.0, 7.0]
    assert sums.outputs(as_parquet(table()), PARQUET) == [3.0, 7.0]


def test_tables_that_do_not_fit_are_invalid(sums, settings):
    for given in (
        table(a=[1.0]),
        table(a=[1.0], b=[2.0], c=[3.0]),
        table(a=["x"], b=[1.0]),
        table(a=[None], b=[1.0]),
        table(a=[math.nan], b=[1.0]),
        table(a=[[1.0]], b=[1.0]),
    ):
        answered = sums.ask(as_parquet(given), PARQUET)
        assert (answered.status_code, answered.json()["code"]) == (400, "invalid_input")
    settings.PREDICT_MAX_ROWS = 10
    many = table(a=[1.0] * 11, b=[1.0] * 11)
    assert sums.ask(as_arrow(many), ARROW_STREAM).status_code == 400


def test_a_parquet_file_that_lies_is_invalid_and_harms_nobody(sums):
    sound = as_parquet(table(a=[1.0] * 1000, b=[2.0] * 1000))
    size = int.from_bytes(sound[-8:-4], "little")
    for lie in (
        b"PAR1",
        b"no parquet at all",
        sound[: len(sound) // 2],
        sound[:-8] + (1 << 31).to_bytes(4, "little") + b"PAR1",
        sound[: -8 - size] + b"\xff" * size + sound[-8:],
        sound[:4] + b"\xff" * 40 + sound[44:],
    ):
        answered = sums.ask(lie, PARQUET)
        assert (answered.status_code, answered.json()["code"]) == (400, "invalid_input")
    assert sums.outputs({"rows": [ROW]}) == [3.0]


def test_a_small_parquet_file_that_unfolds_to_too_much_is_invalid(sums, settings):
    settings.PREDICT_MAX_CELLS = 1000
    body = as_parquet(table(a=[1.0] * 500_000, b=[1.0] * 500_000), compression="zstd")
    assert len(body) < 100_000
    answered = sums.ask(body, PARQUET)
    assert (answered.status_code, answered.json()["code"]) == (400, "invalid_input")


def child_of(runner_client: RunnerClient, key: str) -> int:
    return next(child.pid for child in runner_client.stats() if child.key == key)


def test_a_child_that_was_killed_is_not_noticed_by_who_asks_next(sums, serving):
    assert sums.outputs({"rows": [ROW]}) == [3.0]
    os.kill(child_of(serving, SUMS), signal.SIGKILL)
    assert sums.outputs({"rows": [ROW]}) == [3.0]


def test_a_child_that_dies_in_the_middle_is_an_error_of_the_model(broken):
    assert broken.ask({"rows": [BROKEN_ROW]}).status_code == 200
    answered = broken.ask({"rows": [{**BROKEN_ROW, "a": 1.0}]})
    body = answered.json()
    assert (answered.status_code, body["code"]) == (502, "model_error"), body
    assert body["context"]["cause"] == "model_crashed"


def test_a_child_that_dies_again_and_again_is_unavailable_for_a_while(broken):
    statuses = set()
    for _ in range(6):
        answered = broken.ask({"rows": [{**BROKEN_ROW, "a": 1.0}]})
        statuses.add(answered.status_code)
        if answered.status_code == 503:
            assert int(answered["Retry-After"]) >= 1
    assert 502 in statuses
    assert statuses <= {502, 503}


def test_a_model_that_does_not_answer_in_time_is_a_timeout(broken):
    answered = broken.ask({"rows": [{**BROKEN_ROW, "a": 2.0}]}, **{"hokusai-deadline-ms": "300"})
    assert answered.status_code == 504, answered.content
    assert answered.json()["code"] == "model_timeout"


def test_a_model_that_raises_is_an_error_without_the_rows(broken):
    answered = broken.ask({"rows": [{**BROKEN_ROW, "a": 3.0}]})
    body = answered.json()
    assert (answered.status_code, body["code"]) == (502, "model_error")
    assert body["context"]["cause"] == "model_raised"
    assert "3" not in body["message"].replace("ValueError", "")


def test_a_runner_that_is_away_is_unavailable(sums, settings, tmp_path):
    settings.RUNNER_SOCKET = str(tmp_path / "none.sock")
    answered = sums.ask(as_parquet(table()), PARQUET)
    assert answered.status_code == 503
    assert int(answered["Retry-After"]) >= 1
