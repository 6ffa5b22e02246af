"""What a recipe is given, and what it gives back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from hokusai.runner.outputs import Task
from hokusai.runner.recipes.parameters import Parameter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from hokusai.runner.loaders.base import Shape

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to fit on. `matrix`: (n, d) float64, finite; its columns are named by `columns`.

    `labels`: (n,) of int64, bool or str for a classification, float64 for a regression. The order
    of the rows follows from their content alone: who gave them, and when, changes no fit.
    """

    task: Task
    columns: tuple[str, ...]
    matrix: "npt.NDArray[np.float64]"
    labels: "npt.NDArray[Any]"


class FittedModel(Protocol):
    """What a fit gives."""

    def predict(self, matrix: "npt.NDArray[np.float64]") -> "tuple[Shape, npt.NDArray[np.float64]]":
        """Outputs for (m, d) rows, (m, len(shape.columns)) float64; classes by position.

        Bit for bit what the exported files answer once they are served.
        """
        ...

    def export(self) -> dict[str, bytes]:
        """Files by path, as MLflow lays a model out; equal fits give equal bytes."""
        ...


class Recipe(ABC):
    """One way to train. Subclasses are listed by their dotted path in TRAINING_RECIPES."""

    title: ClassVar[str]
    description: ClassVar[str]
    tasks: ClassVar[tuple[Task, ...]]
    # What `fit` imports; the warmed parent imports it before any child is bound.
    modules: ClassVar[tuple[str, ...]] = ()
    # A package outside the locked set, and how it is had.
    requires: ClassVar[str] = ""
    extra: ClassVar[str] = ""

    @classmethod
    def unavailable(cls) -> str:
        """Why it cannot be used on this machine, and what to do; empty where it can."""
        if not cls.requires or find_spec(cls.requires) is not None:
            return ""
        return f"{cls.title} needs the package {cls.requires}, which is not installed: {cls.extra}"

    @abstractmethod
    def parameters(self, task: Task) -> tuple[Parameter, ...]:
        """What may be set for `task`; a parameter named `model` chooses among the others."""

    @abstractmethod
    def fit(
        self, datasets: Sequence[Table], parameters: Mapping[str, Any], seed: int
    ) -> FittedModel:
        """Fit on all rows of `datasets`; the same rows, parameters and seed give the same model.

        `parameters` are complete and checked. Raises TrainingDataUnusable.
        """
