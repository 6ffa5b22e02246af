"""The MLmodel file: what in it makes a loader run the artifact's own code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from registry.algorithms.bounded_yaml import YamlRefused, load_plain
from registry.algorithms.findings import Ledger

MAX_BYTES: Final = 1024 * 1024
# Keys of a flavor that name code or pickles of the artifact.
_CODE_KEYS: Final = ("code", "code_path", "code_paths", "model_code_path", "loader_path")
_PICKLE_KEYS: Final = ("python_model", "cloudpickle_version", "pickled_model", "artifacts")
_CUSTOM: Final = "mlflow.pyfunc.model"
_FLAVOR_MODULES: Final = frozenset(
    {
        "mlflow.catboost", "mlflow.diviner", "mlflow.fastai", "mlflow.h2o", "mlflow.keras",
        "mlflow.lightgbm", "mlflow.onnx", "mlflow.paddle", "mlflow.pmdarima", "mlflow.prophet",
        "mlflow.pytorch", "mlflow.sentence_transformers", "mlflow.sklearn", "mlflow.spacy",
        "mlflow.spark", "mlflow.statsmodels", "mlflow.tensorflow", "mlflow.transformers",
        "mlflow.xgboost",
    }
)  # fmt: skip


def scan_mlmodel(path: Path, name: str, ledger: Ledger) -> list[Path]:
    """Read one MLmodel file. Adds what it finds to `ledger`; returns the files it calls ONNX."""
    if path.stat().st_size > MAX_BYTES:
        ledger.unreadable(name, f"the MLmodel file is larger than {MAX_BYTES} bytes")
        return []
    try:
        document = load_plain(path.read_bytes())
    except YamlRefused as error:
        ledger.unreadable(name, f"the MLmodel file cannot be read: {error}")
        return []
    flavors = document.get("flavors") if isinstance(document, Mapping) else None
    if not isinstance(flavors, Mapping):
        ledger.unreadable(name, "the MLmodel file names no flavors")
        return []
    for flavor, stated in flavors.items():
        if isinstance(stated, Mapping):
            _check_flavor(str(flavor), stated, path.parent, name, ledger)
    return _onnx_files(flavors.get("onnx"), path.parent)


def _onnx_files(stated: Any, folder: Path) -> list[Path]:
    named = stated.get("data") if isinstance(stated, Mapping) else None
    if not isinstance(named, str) or _leaves(named):
        return []
    return [folder / named] if (folder / named).is_file() else []


def _check_flavor(
    flavor: str, stated: Mapping[str, Any], folder: Path, name: str, ledger: Ledger
) -> None:
    for key in _CODE_KEYS:
        if stated.get(key):
            detail = f"{flavor}.{key}: its own code at {stated[key]!r} is run by a loader"
            ledger.add(name, "mlmodel-code", detail, "suspicious")
    if flavor == "python_function":
        _check_loader(stated, name, ledger)
    if stated.get("serialization_format") in {"pickle", "cloudpickle"}:
        detail = f"{flavor}: saved by {stated['serialization_format']}"
        ledger.add(name, "mlmodel-pickle", detail, "suspicious")
    if stated.get("skops_trusted_types"):
        detail = f"it asks to trust {', '.join(map(str, _some(stated['skops_trusted_types'])))}"
        ledger.add(name, "mlmodel-trust", detail, "info")
    for key, value in stated.items():
        if isinstance(value, str) and key in {"data", "model_path", "model_data", *_PICKLE_KEYS}:
            _check_inside(f"{flavor}.{key}", value, folder, name, ledger)


def _check_loader(stated: Mapping[str, Any], name: str, ledger: Ledger) -> None:
    module = str(stated.get("loader_module", ""))
    if stated.get("python_model") or module == _CUSTOM:
        detail = "a custom Python model is unpickled and run by a loader"
        ledger.add(name, "mlmodel-code", detail, "suspicious")
    elif module and module not in _FLAVOR_MODULES:
        ledger.add(name, "mlmodel-code", f"a loader imports {module!r}", "suspicious")


def _check_inside(key: str, value: str, folder: Path, name: str, ledger: Ledger) -> None:
    if _leaves(value):
        detail = f"{key}: {value!r} leaves the folder"
        ledger.add(name, "mlmodel-path", detail, "dangerous")
    elif not (folder / value).exists():
        ledger.add(name, "mlmodel-path", f"{key}: {value!r} is missing", "info")


def _leaves(value: str) -> bool:
    steps = value.replace("\\", "/").split("/")
    return value.startswith(("/", "\\")) or ".." in steps or ":" in steps[0]


def _some(stated: Any) -> list[Any]:
    return list(stated)[:20] if isinstance(stated, list) else [stated]
