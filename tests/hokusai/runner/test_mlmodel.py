"""The format follows from what we read, never from what the artifact claims alone."""

from pathlib import Path

import pytest

from hokusai.runner.errors import ArtifactMismatch
from hokusai.runner.mlmodel import ModelFormat, detect_format, read
from tests.hokusai.runner import artifacts


def written(folder: Path, flavors: str, *files: str) -> Path:
    (folder / "MLmodel").write_bytes(artifacts.mlmodel(flavors))
    for name in files:
        (folder / name).write_bytes(b"")
    return folder


def test_plain_skops_and_onnx_are_recognised(tmp_path: Path) -> None:
    assert detect_format(written(tmp_path, artifacts.SKOPS_FLAVORS, "model.skops")) == "skops"
    assert detect_format(written(tmp_path, artifacts.ONNX_FLAVORS, "model.onnx")) == "onnx"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loader_module: mlflow.sklearn", "loader_module: theirs"),
        ("code: null", "code: code"),
        ("serialization_format: skops", "serialization_format: cloudpickle"),
        ("pickled_model: model.skops", "pickled_model: ../model.skops"),
        ("pickled_model: model.skops", "pickled_model: absent.skops"),
        ("model_path: model.skops", "code: code"),
    ],
)
def test_skops_with_anything_else_runs_as_foreign_code(tmp_path: Path, old: str, new: str) -> None:
    flavors = artifacts.SKOPS_FLAVORS.replace(old, new)
    assert detect_format(written(tmp_path, flavors, "model.skops")) is ModelFormat.PYFUNC


def test_inputs_keep_name_order_and_type(tmp_path: Path) -> None:
    found = read(written(tmp_path, artifacts.SKOPS_FLAVORS, "model.skops"))
    assert [(c.name, c.type) for c in found.inputs or ()] == [(n, "double") for n in "abcd"]


def test_a_tensor_signature_names_no_column(tmp_path: Path) -> None:
    tensor = '[{"type":"tensor","tensor-spec":{"dtype":"float64"}}]'
    text = f"flavors: {{}}\nsignature:\n  inputs: '{tensor}'\n"
    (tmp_path / "MLmodel").write_text(text)
    assert read(tmp_path).inputs is None


@pytest.mark.parametrize("text", ["", "[]", "flavors: 1", "a: [", "!!python/object:os.system {}"])
def test_an_unreadable_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(ArtifactMismatch):
        read(tmp_path)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMismatch):
        read(tmp_path)
