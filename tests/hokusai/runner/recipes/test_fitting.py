"""What a fit exports, looked at without a runner."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from hokusai.runner.mlmodel import ModelFormat, read
from hokusai.runner.outputs import Task
from hokusai.runner.recipes import Recipe, Table
from hokusai.runner.recipes.boosting import LightGbm
from hokusai.runner.recipes.boosting_fitting import _stated
from hokusai.runner.recipes.parameters import checked
from hokusai.runner.recipes.scikit import ScikitLearn
from registry.inspection import inspect

LABELS = {
    "texts": np.array(["no", "yes"]),
    "numbers": np.array([3, 7]),
    "truths": np.array([False, True]),
}


def table(labels: str = "texts", size: int = 80) -> Table:
    matrix = np.random.default_rng(5).normal(size=(size, 3))
    positions = (matrix[:, 0] > 0).astype(int)
    return Table("classification", ("a", "b", "c"), matrix, LABELS[labels][positions])


def regression() -> Table:
    matrix = np.random.default_rng(6).normal(size=(80, 3))
    return Table("regression", ("a", "b", "c"), matrix, matrix @ [1.0, -2.0, 0.5])


def parameters(recipe: Recipe, task: Task, **given: object) -> dict[str, object]:
    return checked(given, recipe.parameters(task))


def cases() -> list[tuple[Recipe, Table, dict[str, object]]]:
    boosted = {"model": "hist_gradient_boosting", "trees": 3}
    of_classes = [
        (ScikitLearn(), table(labels), given) for labels in LABELS for given in ({}, boosted)
    ]
    return [
        *of_classes,
        *((LightGbm(), table(labels), {"trees": 3}) for labels in LABELS),
        (ScikitLearn(), regression(), {}),
        (ScikitLearn(), regression(), boosted),
        (LightGbm(), regression(), {"trees": 3}),
    ]


@pytest.mark.parametrize(("recipe", "rows", "given"), cases())
def test_an_export_is_described_steady_and_found_clean(
    recipe: Recipe, rows: Table, given: dict[str, object], tmp_path: Path
) -> None:
    stated = parameters(recipe, rows.task, **given)
    files = recipe.fit([rows], stated, 1).export()
    assert files == recipe.fit([rows], stated, 1).export()
    for path, raw in files.items():
        (tmp_path / path).write_bytes(raw)
    described, seen = read(tmp_path), inspect(tmp_path)
    assert described.format in (ModelFormat.SKOPS, ModelFormat.ONNX)
    assert [column.name for column in described.inputs or ()] == ["a", "b", "c"]
    assert seen.scan.verdict == "clean", seen.scan.findings
    assert seen.requirements
    assert seen.description.signature["outputs"][0]["name"] == "prediction"
    assert seen.input_example["columns"] == ["a", "b", "c"]


def test_several_tables_are_fitted_as_one() -> None:
    whole, recipe = table(), ScikitLearn()
    stated = parameters(recipe, "classification")
    parts = [
        Table(whole.task, whole.columns, whole.matrix[part], whole.labels[part])
        for part in (slice(0, 30), slice(30, None))
    ]
    assert recipe.fit(parts, stated, 1).export() == recipe.fit([whole], stated, 1).export()


@pytest.mark.parametrize("size", [2, 3])
def test_the_graph_answers_as_lightgbm_does(size: int) -> None:
    """LightGBM's own booster is the peer; the graph's outputs are float32."""
    rows, stated = table(size=300), parameters(LightGbm(), "classification", trees=20)
    targets = np.digitize(rows.matrix[:, 0], np.linspace(-0.5, 0.5, size - 1))
    own = Table("classification", rows.columns, rows.matrix, targets)
    booster = lightgbm.train(
        _stated(stated, size, 1),
        lightgbm.Dataset(rows.matrix, label=targets, params={"verbosity": -1}),
        num_boost_round=20,
    )
    expected = booster.predict(rows.matrix)
    if size == 2:
        expected = np.column_stack([1 - expected, expected])
    _, values = LightGbm().fit([own], stated, 1).predict(rows.matrix)
    assert np.abs(values[:, 1:] - expected).max() < 1e-6
    assert np.array_equal(values[:, 0], values[:, 1:].argmax(axis=1))
