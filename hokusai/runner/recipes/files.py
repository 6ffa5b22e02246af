"""The files around a fitted model, as MLflow lays them out, without times or random ids."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import orjson
import yaml

from hokusai.runner.recipes.base import Table

SKOPS_FILE: Final = "model.skops"
ONNX_FILE: Final = "model.onnx"
EXAMPLE_ROWS: Final = 2
LABEL_TYPES: Final = {"b": "boolean", "i": "long", "f": "double", "U": "string"}


def described(flavor: str, table: Table, packages: Sequence[str]) -> dict[str, bytes]:
    """MLmodel with its signature, the requirements and the environment of a flavor.

    The input example is a row of zeros: rows that people gave stay out of the artifact.
    """
    requirements = [f"{name}=={version(name)}" for name in packages]
    environment = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": ["-r requirements.txt"],
    }
    example = _example(table)
    return {
        "MLmodel": _yaml(_mlmodel(flavor, table)),
        "requirements.txt": "".join(f"{line}\n" for line in requirements).encode(),
        "python_env.yaml": _yaml(environment),
        "input_example.json": orjson.dumps(example),
        "serving_input_example.json": orjson.dumps({"dataframe_split": example}),
    }


def _mlmodel(flavor: str, table: Table) -> dict[str, Any]:
    flavors = {"sklearn": _sklearn, "onnx": _onnx}[flavor]()
    generic = {
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": platform.python_version(),
    }
    flavors["python_function"] |= generic
    return {
        "flavors": flavors,
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "pandas_orient": "split",
            "serving_input_path": "serving_input_example.json",
            "type": "dataframe",
        },
        "signature": {"inputs": _inputs(table), "outputs": _outputs(table), "params": None},
    }


def _sklearn() -> dict[str, Any]:
    return {
        "python_function": {
            "loader_module": "mlflow.sklearn",
            "model_path": SKOPS_FILE,
            "predict_fn": "predict",
        },
        "sklearn": {
            "code": None,
            "pickled_model": SKOPS_FILE,
            "serialization_format": "skops",
            "sklearn_version": version("scikit-learn"),
            "skops_trusted_types": None,
        },
    }


def _onnx() -> dict[str, Any]:
    return {
        "python_function": {"loader_module": "mlflow.onnx", "data": ONNX_FILE},
        "onnx": {"code": None, "data": ONNX_FILE, "onnx_version": version("onnx")},
    }


def _inputs(table: Table) -> str:
    columns = [{"type": "double", "name": name, "required": True} for name in table.columns]
    return orjson.dumps(columns).decode()


def _outputs(table: Table) -> str:
    outputs = [{"type": LABEL_TYPES[table.labels.dtype.kind], "name": "prediction"}]
    if table.task == "classification":
        classes = np.unique(table.labels).tolist()
        outputs += [{"type": "double", "name": f"probability.{label}"} for label in classes]
    return orjson.dumps(outputs).decode()


def _example(table: Table) -> dict[str, Any]:
    row = [0.0] * len(table.columns)
    return {"columns": list(table.columns), "data": [row] * EXAMPLE_ROWS}


def _yaml(document: dict[str, Any]) -> bytes:
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text.encode()
