"""Models become ONNX only where all is computed in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hokusai.runner.client import RunnerClient
from hokusai.runner.conversion import convert
from hokusai.runner.errors import ConversionRefused
from hokusai.runner.loaders import load
from hokusai.runner.mlmodel import ModelFormat
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.conftest import Store


def folder_with(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for path, raw in files.items():
        (folder / path).write_bytes(raw)
    return folder


@pytest.mark.parametrize(
    ("estimator", "labels"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "texts"),
        (LogisticRegression(), "numbers"),
        (make_pipeline(StandardScaler(), LinearRegression()), "values"),
    ],
)
def test_linear_models_answer_as_before_to_the_last_bits(
    tmp_path: Path, estimator: Any, labels: str
) -> None:
    frame, texts = artifacts.table()
    y = {"texts": texts, "numbers": (texts == "yes") * 7, "values": frame.a * 3 + frame.b}[labels]
    original = folder_with(tmp_path / "a", artifacts.skops_model(estimator.fit(frame, y)))
    converted = folder_with(tmp_path / "b", convert(original))
    rows = np.random.default_rng(1).normal(size=(100, 4))
    before = load(original, ModelFormat.SKOPS).run(rows, artifacts.COLUMNS)
    after = load(converted, ModelFormat.ONNX).run(rows, artifacts.COLUMNS)
    assert before[0] == after[0]
    np.testing.assert_allclose(after[1], before[1], rtol=0, atol=1e-13)


def test_the_same_model_becomes_the_same_bytes(tmp_path: Path) -> None:
    original = folder_with(tmp_path / "a", artifacts.skops_classifier())
    assert convert(original) == convert(original)


def test_trees_which_onnx_sums_in_single_precision_are_refused(tmp_path: Path) -> None:
    forest = RandomForestClassifier(3).fit(*artifacts.table())
    original = folder_with(tmp_path / "a", artifacts.skops_model(forest))
    with pytest.raises(ConversionRefused, match="single precision"):
        convert(original)


def test_models_that_take_columns_by_name_are_refused(tmp_path: Path) -> None:
    by_name = make_column_transformer((StandardScaler(), ["a", "b"]))
    fitted = make_pipeline(by_name, LogisticRegression()).fit(*artifacts.table())
    original = folder_with(tmp_path / "a", artifacts.skops_model(fitted))
    with pytest.raises(ConversionRefused, match="by name"):
        convert(original)


def test_only_skops_models_are_converted(tmp_path: Path) -> None:
    original = folder_with(tmp_path / "a", artifacts.onnx_classifier(zipmap=False))
    with pytest.raises(ConversionRefused, match="scikit-learn"):
        convert(original)


def test_the_runner_converts_in_a_child(
    client: RunnerClient, store: Store, skops_digest: str
) -> None:
    files = client.convert(project="p", tree_digest=skops_digest)
    frame, _ = artifacts.table()
    found = client.predict_once(
        project="p", tree_digest=store.put(files), rows=frame[:5].to_dict("records")
    )
    assert found.format == "onnx"
    assert found.predictions() == artifacts.classifier().predict(frame[:5]).tolist()


def test_a_refusal_reaches_the_caller(client: RunnerClient, onnx_digest: str) -> None:
    with pytest.raises(ConversionRefused):
        client.convert(project="p", tree_digest=onnx_digest)
