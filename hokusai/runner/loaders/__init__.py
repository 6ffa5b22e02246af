"""One loader per format; all give a `LoadedModel`. Runs in the child only."""

import importlib
from pathlib import Path
from typing import Final

from hokusai.runner.errors import FormatRefused
from hokusai.runner.loaders.base import LoadedModel
from hokusai.runner.mlmodel import ModelFormat, read

__all__ = ["LoadedModel", "load"]

MODULES: Final = {
    ModelFormat.ONNX: "hokusai.runner.loaders.onnx_model",
    ModelFormat.SKOPS: "hokusai.runner.loaders.skops_model",
    ModelFormat.PYFUNC: "hokusai.runner.loaders.pyfunc_model",
}


def load(root: Path, expected: ModelFormat) -> LoadedModel:
    """The model in `root`.

    Raises FormatRefused where its format is not the one that was allowed; the model's own errors
    pass through.
    """
    described = read(root)
    if described.format is not expected:
        raise FormatRefused("The model's format changed.", format=described.format)
    # Each loader imports a heavy library: only the one that is needed.
    loader = importlib.import_module(MODULES[expected])
    model: LoadedModel = loader.load_model(root, described)
    return model
