from importlib import import_module
from typing import Any

__all__ = ["PerformanceTracker"]


def __getattr__(name: str) -> Any:
    """The app's face, imported late: Django's models load after their packages."""
    if name == "PerformanceTracker":
        return getattr(import_module("contributions.performance_tracker"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
