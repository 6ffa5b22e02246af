"""What an MLmodel file says of a model; parsed, never loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The first of these that is present names the model best; pyfunc wraps them all.
_PREFERENCE = ("onnx", "sklearn", "lightgbm", "xgboost", "pytorch", "tensorflow", "python_function")

MAX_FLAVOR = 40


class DescriptionError(ValueError):
    """This is no MLmodel file."""


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """`signature`: {"inputs": [{"name", "type", "required"}], "outputs": […]}, as far as stated."""

    flavor: str
    signature: dict[str, Any] = field(default_factory=dict)
    run_id: str = ""


def describe(document: Any) -> ModelDescription:
    """Read a parsed MLmodel. Raises DescriptionError where it is none."""
    if not isinstance(document, Mapping) or not isinstance(document.get("flavors"), Mapping):
        raise DescriptionError("it names no flavors")
    return ModelDescription(
        flavor=_flavor(document["flavors"]),
        signature=_signature(document.get("signature") or {}),
        run_id=str(document.get("run_id") or ""),
    )


def _flavor(flavors: Mapping[str, Any]) -> str:
    for name in _PREFERENCE:
        if name in flavors:
            return name
    return str(next(iter(flavors), ""))[:MAX_FLAVOR]


def _signature(stated: Any) -> dict[str, Any]:
    if not isinstance(stated, Mapping):
        raise DescriptionError("its signature is no mapping")
    return {side: _columns(stated[side]) for side in ("inputs", "outputs") if stated.get(side)}


def _columns(text: Any) -> list[dict[str, Any]]:
    """MLflow writes columns as JSON text; YAML's own lists could repeat themselves without end."""
    if not isinstance(text, str):
        raise DescriptionError("its signature is no text")
    columns = json.loads(text)
    if not isinstance(columns, list) or not all(isinstance(c, Mapping) for c in columns):
        raise DescriptionError("its signature lists no columns")
    return [dict(column) for column in columns]
