from importlib import import_module
from typing import Any

__all__ = ["ExperimentManager"]


def __getattr__(name: str) -> Any:
    """The app's face, imported late: Django's models load after their packages."""
    if name == "ExperimentManager":
        return getattr(import_module("experiments.experiment_manager"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
