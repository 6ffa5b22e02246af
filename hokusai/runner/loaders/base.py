"""What every loaded model offers, and the one shape of outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hokusai.runner.errors import OutputContract
from hokusai.runner.inputs import InputReader
from hokusai.runner.outputs import Label, Task

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """Task, output columns and classes, as in `hokusai.runner.outputs.Outputs`."""

    task: Task
    columns: tuple[str, ...]
    classes: tuple[Label, ...]


class LoadedModel(Protocol):
    """A model ready to predict. `shape` is None where only a prediction shows it."""

    reader: InputReader
    shape: Shape | None

    def run(self, matrix: Floats, names: tuple[str, ...]) -> tuple[Shape, Floats]:
        """Outputs for `matrix`, (n, inputs) float64 whose columns are `names`.

        Values are (n, len(shape.columns)) float64; classes by position.
        """
        ...


REGRESSION = Shape("regression", ("prediction",), ())


def classifier_shape(classes: Sequence[Label], *, probabilities: bool) -> Shape:
    """The shape of a classifier; raises OutputContract for no or repeated classes."""
    if not all(isinstance(label, str | int | float | bool) for label in classes):
        raise OutputContract("Classes are texts, numbers or truth values.")
    names = tuple(f"probability.{label}" for label in classes)
    if not names or len(set(names)) != len(names):
        raise OutputContract("The classifier's classes are missing or repeated.")
    columns = ("prediction", *names) if probabilities else ("prediction",)
    return Shape("classification", columns, tuple(classes))


def positions(labels: npt.NDArray[np.generic], classes: Sequence[Label]) -> Floats:
    """(n,) position of each label in `classes`; raises OutputContract for a label outside."""
    place = {label: float(position) for position, label in enumerate(classes)}
    try:
        return np.array([place[label] for label in labels.tolist()], dtype=np.float64)
    except KeyError as error:
        raise OutputContract("The model predicted a class it does not state.") from error


def joined(first: Floats, probabilities: npt.NDArray[np.floating], classes: int) -> Floats:
    """(n, 1 + classes): predictions and probabilities side by side; OutputContract on shapes."""
    n = len(first)
    if probabilities.shape != (n, classes):
        raise OutputContract("The probabilities are not one per row and class.")
    values = np.empty((n, 1 + classes), dtype=np.float64)
    values[:, 0] = first
    values[:, 1:] = probabilities
    return values


def column(predicted: npt.NDArray[np.generic], n: int) -> npt.NDArray[np.generic]:
    """`predicted` as (n,); OutputContract where it is not one value per row."""
    if predicted.shape not in ((n,), (n, 1)):
        raise OutputContract("The model does not give one prediction per row.")
    return predicted.reshape(n)


def regression(predicted: npt.NDArray[np.generic], n: int) -> tuple[Shape, Floats]:
    """A regressor's outputs from one number per row; OutputContract where they are not numbers."""
    flat = column(predicted, n)
    if not np.issubdtype(flat.dtype, np.number):
        raise OutputContract("A regression's predictions are numbers.", task="regression")
    return REGRESSION, flat.astype(np.float64).reshape(n, 1)
