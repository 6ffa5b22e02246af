"""Reads an `MLmodel` file ourselves, so that its claims never choose what code runs.

MLflow follows `loader_module` and `code`, both written by whoever made the model.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson
import yaml

from hokusai.runner.errors import ArtifactMismatch

MAX_BYTES: Final = 1 << 20
INTEGER_TYPES: Final = frozenset({"integer", "long"})
NUMERIC_TYPES: Final = INTEGER_TYPES | {"float", "double", "boolean"}


class ModelFormat(StrEnum):
    """How a version is loaded. `PYFUNC` runs the model's own code or pickles."""

    ONNX = "onnx"
    SKOPS = "skops"
    PYFUNC = "pyfunc"


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One named input, its MLflow type (`double`, `long`, …), and whether it must be given."""

    name: str
    type: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What of an MLmodel file the runner uses. `inputs` is None where no column is named.

    `data_path`: the model's own file for ONNX and skops.
    """

    format: ModelFormat
    data_path: str
    inputs: tuple[InputColumn, ...] | None


def detect_format(root: Path) -> ModelFormat:
    """How the model in the folder `root` must be loaded; raises ArtifactMismatch."""
    return read(root).format


def read(root: Path) -> ModelFile:
    """The MLmodel file in `root`; raises ArtifactMismatch where it is absent or unreadable."""
    body = _yaml(root / "MLmodel")
    flavors = body.get("flavors")
    if not isinstance(flavors, dict):
        raise ArtifactMismatch("The MLmodel file names no flavors.", path="MLmodel")
    signature = body.get("signature")
    signature = signature if isinstance(signature, dict) else {}
    chosen, data_path = _format(root, flavors)
    return ModelFile(
        format=chosen,
        data_path=data_path,
        inputs=_inputs(signature),
    )


def _yaml(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            raise ArtifactMismatch("The MLmodel file is a link or too large.", path="MLmodel")
        body = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ArtifactMismatch("There is no readable MLmodel file.", path="MLmodel") from error
    if not isinstance(body, dict):
        raise ArtifactMismatch("The MLmodel file is no mapping.", path="MLmodel")
    return body


def _format(root: Path, flavors: dict[str, Any]) -> tuple[ModelFormat, str]:
    generic = _mapping(flavors.get("python_function"))
    sklearn, onnx = _mapping(flavors.get("sklearn")), _mapping(flavors.get("onnx"))
    own_code = any(part.get("code") for part in (generic, sklearn, onnx))
    loader = generic.get("loader_module")
    if sklearn and not own_code and loader in (None, "mlflow.sklearn"):
        path = _inside(root, sklearn.get("pickled_model"))
        if path.endswith(".skops") and sklearn.get("serialization_format") == "skops":
            return ModelFormat.SKOPS, path
    if onnx and not own_code and loader in (None, "mlflow.onnx"):
        path = _inside(root, onnx.get("data"))
        if path:
            return ModelFormat.ONNX, path
    return ModelFormat.PYFUNC, ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _inside(root: Path, value: object) -> str:
    """`value` as the path of a file in `root`, or an empty string."""
    path = PurePosixPath(value) if isinstance(value, str) else PurePosixPath("..")
    if path.is_absolute() or ".." in path.parts or not (root / path).is_file():
        return ""
    return str(path)


def _inputs(signature: dict[str, Any]) -> tuple[InputColumn, ...] | None:
    columns = _columns(signature.get("inputs"))
    if not columns or not all(isinstance(c.get("name"), str) for c in columns):
        return None
    if any("tensor-spec" in column for column in columns):
        return None
    return tuple(
        InputColumn(column["name"], str(column.get("type")), column.get("required") is not False)
        for column in columns
    )


def _columns(text: object) -> list[dict[str, Any]]:
    if not isinstance(text, str):
        return []
    try:
        columns = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ArtifactMismatch("The signature cannot be read.", path="MLmodel") from error
    if not isinstance(columns, list):
        return []
    return [column for column in columns if isinstance(column, dict)]
