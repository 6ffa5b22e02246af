from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from experiments.isolation import EvaluationFailed, RunnerDown, ask
from hokusai.core.errors import OutsideUnavailable
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import ModelOutOfMemory, RunnerError, RunnerUnavailable
from hokusai.storage import stores
from hokusai.storage.base import StorageUnavailable
from hokusai.storage.memory import MemoryStore
from registry.models import ModelVersion
from tests.factories import ModelVersionFactory
from tests.measuring import FEATURES, HELD_OUT, SLUG, Workshop, digits

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory(model__project__slug=SLUG)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: RunnerError) -> None:
    def predict_once(self: RunnerClient, **options: Any) -> None:
        raise error

    monkeypatch.setattr(RunnerClient, "predict_once", predict_once)


def test_answers_come_with_a_probability_per_class(measuring: Workshop) -> None:
    version = ModelVersionFactory(
        model__project__slug=SLUG, tree_digest=measuring.model("baseline")
    )
    rows = digits()[0][HELD_OUT][:7]
    outputs = ask(version, FEATURES, np.asfortranarray(rows))
    assert outputs.classes == tuple(range(10))
    assert np.asarray(outputs.values).shape == (7, 11)


def test_limits_and_deadline_are_those_of_the_settings(
    version: ModelVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(RunnerClient, "predict_once", lambda self, **options: given.update(options))
    settings.EVALUATION_DEADLINE_S, settings.EVALUATION_MEMORY_BYTES = 7.0, 123
    ask(version, ["x"], np.zeros((1, 1)))
    assert (given["deadline_s"], given["memory_bytes"]) == (7.0, 123)
    assert given["require_probabilities"]
    assert given["tree_digest"] == version.tree_digest


def test_a_runner_that_is_not_there_is_an_outage(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, RunnerUnavailable("The model runner does not answer."))
    with pytest.raises(RunnerDown, match="does not answer") as caught:
        ask(version, ["x"], np.zeros((1, 1)))
    assert isinstance(caught.value, OutsideUnavailable)


def test_what_the_model_did_is_no_outage_and_names_the_version(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, ModelOutOfMemory("The model held more than it may.", memory_bytes=1))
    with pytest.raises(EvaluationFailed, match="v1: The model held more") as caught:
        ask(version, ["x"], np.zeros((1, 1)))
    assert not isinstance(caught.value, OutsideUnavailable)
    assert caught.value.context["cause"] == "model_out_of_memory"


def test_an_artifact_that_the_store_does_not_hold_is_the_versions_own_fault(
    measuring: Workshop,
) -> None:
    version = ModelVersionFactory(model__project__slug=SLUG, tree_digest="0" * 64)
    with pytest.raises(EvaluationFailed):
        ask(version, FEATURES, np.zeros((1, 64)))


def test_damaged_bytes_are_refused_before_the_runner_is_asked(
    version: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, RunnerUnavailable("It was asked."))
    (tmp_path / "MLmodel").write_bytes(b"flavors: {}\n")
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    version.tree_digest = store.put_tree(tmp_path).digest
    store.blobs = dict.fromkeys(store.blobs, b"other")
    with pytest.raises(EvaluationFailed, match="no longer match"):
        ask(version, ["x"], np.zeros((1, 1)))


def test_a_bucket_that_does_not_answer_is_an_outage(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(tree_digest: str) -> None:
        raise StorageUnavailable("The bucket does not answer.")

    monkeypatch.setattr(stores["default"], "materialise", fail)
    with pytest.raises(OutsideUnavailable, match="bucket"):
        ask(version, ["x"], np.zeros((1, 1)))
