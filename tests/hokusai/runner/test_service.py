"""Serving: one lasting child per version, which clients talk to without a hop."""

import os
import threading
from collections.abc import Callable

import numpy as np
import pytest

from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import (
    InvalidInput,
    ModelCrashed,
    ModelTimeout,
    OutputContract,
    RunnerUnavailable,
)
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.artifacts import ROW
from tests.hokusai.runner.conftest import Store
from tests.hokusai.runner.test_keeping import wait_for


@pytest.fixture
def served(client: RunnerClient, skops_digest: str) -> str:
    return client.serve(project="p", key="v1", tree_digest=skops_digest)


def test_a_served_version_answers_as_a_fresh_child_does(
    client: RunnerClient, served: str, skops_digest: str
) -> None:
    fresh = client.predict_once(project="p", tree_digest=skops_digest, rows=[ROW])
    assert client.predict(served, rows=[ROW]).records() == fresh.records()


def test_serving_twice_finds_the_same_child(
    client: RunnerClient, served: str, skops_digest: str
) -> None:
    assert client.serve(project="p", key="v1", tree_digest=skops_digest) == served
    assert [child.socket_path for child in client.stats() if child.key == "v1"] == [served]


def test_its_socket_is_for_this_user_alone(served: str) -> None:
    assert os.stat(served).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(served)).st_mode & 0o777 == 0o700


def test_another_digest_under_the_same_key_replaces_the_child(
    client: RunnerClient, served: str, store: Store
) -> None:
    digest = store.put(artifacts.skops_regressor())
    client.predict(served, rows=[ROW])
    assert client.serve(project="p", key="v1", tree_digest=digest) == served
    assert client.predict(served, rows=[ROW]).task == "regression"


def test_a_version_describes_itself(client: RunnerClient, skops_digest: str) -> None:
    client.serve(project="p", key="v1", tree_digest=skops_digest)
    described = client.describe(key="v1")
    assert described.inputs == artifacts.COLUMNS
    assert described.classes == artifacts.CLASSES
    assert described.columns == ("prediction", "probability.no", "probability.yes")
    assert described.format == "skops"
    assert (described.tree_digest, described.converted_digest) == (skops_digest, "")


def test_a_stopped_version_is_unavailable(client: RunnerClient, skops_digest: str) -> None:
    path = client.serve(project="p", key="stopped", tree_digest=skops_digest)
    assert client.stop(key="stopped")
    assert not client.stop(key="stopped")
    with pytest.raises(RunnerUnavailable):
        client.predict(path, rows=[ROW])


def test_a_request_past_its_deadline_ends_the_child(
    isolated: RunnerClient, code_model: Callable[[str], str]
) -> None:
    digest = code_model(
        "import time\ndef predict(frame):\n"
        "    time.sleep(20 if frame.a[0] > 9 else 0)\n    return [0.5]"
    )
    path = isolated.serve(project="p", key="slow", tree_digest=digest)
    assert isolated.predict(path, rows=[ROW], deadline_s=20).predictions() == [0.5]
    with pytest.raises(ModelTimeout):
        isolated.predict(path, rows=[ROW | {"a": 20.0}], deadline_s=0.3)
    # Its caller hears on time; the child has a second in all, for the sake of the others.
    assert isolated.predict(path, rows=[ROW], deadline_s=20).predictions() == [0.5]
    wait_for(isolated, "slow", lambda found: "did not finish in time" in found.last_error)


def test_a_request_with_little_time_leaves_the_child_alive(
    isolated: RunnerClient, code_model: Callable[[str], str]
) -> None:
    digest = code_model("import time\ndef predict(frame):\n    time.sleep(0.4)\n    return [0.5]")
    path = isolated.serve(project="p", key="patient", tree_digest=digest)
    with pytest.raises(ModelTimeout):
        isolated.predict(path, rows=[ROW], deadline_s=0.01)
    assert isolated.predict(path, rows=[ROW], deadline_s=20).predictions() == [0.5]
    (patient,) = [child for child in isolated.stats() if child.key == "patient"]
    assert (patient.last_error, patient.restarts) == ("", 0)
    isolated.stop(key="patient")


def test_kill_ends_a_busy_child_at_once(
    isolated: RunnerClient, code_model: Callable[[str], str]
) -> None:
    digest = code_model("import time\ndef predict(frame):\n    time.sleep(20)")
    path = isolated.serve(project="p", key="busy", tree_digest=digest)
    heard: list[type[Exception]] = []

    def call() -> None:
        try:
            isolated.predict(path, rows=[ROW], deadline_s=20)
        except RunnerUnavailable as error:
            heard.append(type(error))

    thread = threading.Thread(target=call)
    thread.start()
    while not any(child.busy for child in isolated.stats() if child.key == "busy"):
        pass
    assert isolated.kill(key="busy")
    thread.join(60)
    assert heard == [RunnerUnavailable]


def test_several_threads_share_one_child(
    client: RunnerClient, served: str, skops_digest: str
) -> None:
    path = client.serve(project="p", key="v1", tree_digest=skops_digest)
    frame, _ = artifacts.table()
    expected = artifacts.classifier().predict_proba(frame)
    found: dict[int, list[list[float]] | None] = {}

    def call(number: int) -> None:
        rows = frame[number::4].to_dict("records")
        found[number] = client.predict(path, rows=rows, deadline_s=20).probabilities()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for number in range(4):
        np.testing.assert_allclose(found[number], expected[number::4], rtol=1e-12)


def test_a_large_matrix_arrives_whole(client: RunnerClient, skops_digest: str) -> None:
    path = client.serve(project="p", key="v1", tree_digest=skops_digest)
    matrix = np.random.default_rng(3).normal(size=(50_000, 4))
    found = client.predict(path, columns=list("abcd"), matrix=matrix, deadline_s=30)
    assert np.asarray(found.values).shape == (50_000, 3)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "d"),
        (ROW | {"e": 1.0}, "e"),
        (ROW | {"b": "1"}, "b"),
        (ROW | {"b": None}, "b"),
        (ROW | {"c": True}, "c"),
    ],
    ids=["missing", "extra", "text", "null", "truth value"],
)
def test_a_wrong_row_is_named_with_its_column(
    client: RunnerClient, skops_digest: str, row: dict[str, object], column: str
) -> None:
    path = client.serve(project="p", key="v1", tree_digest=skops_digest)
    with pytest.raises(InvalidInput) as caught:
        client.predict(path, rows=[ROW, row])
    assert (caught.value.row, caught.value.column) == (1, column)


def test_a_value_that_is_not_finite_is_named(client: RunnerClient, skops_digest: str) -> None:
    path = client.serve(project="p", key="v1", tree_digest=skops_digest)
    matrix = np.zeros((3, 4))
    matrix[2, 1] = np.inf
    with pytest.raises(InvalidInput) as caught:
        client.predict(path, columns=list("abcd"), matrix=matrix)
    assert (caught.value.row, caught.value.column) == (2, "b")


def test_probabilities_may_be_required(client: RunnerClient, store: Store) -> None:
    digest = store.put(artifacts.skops_regressor())
    path = client.serve(project="p", key="regressor", tree_digest=digest)
    with pytest.raises(OutputContract):
        client.predict(path, rows=[ROW], require_probabilities=True)
    assert client.predict(path, rows=[ROW]).probabilities() is None


def test_a_version_that_cannot_be_loaded_is_not_served(
    isolated: RunnerClient, code_model: Callable[[str], str]
) -> None:
    with pytest.raises(ModelCrashed):
        isolated.serve(project="p", key="broken", tree_digest=code_model("import os\nos._exit(4)"))
    assert "broken" not in {child.key for child in isolated.stats()}


def test_nobody_there_is_unavailable(tmp_path: object) -> None:
    with pytest.raises(RunnerUnavailable):
        RunnerClient(f"{tmp_path}/absent.sock").health()
