"""The rows of a training as a child holds them, and the part that one coalition fits on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hokusai.runner.errors import InvalidInput, TrainingDataUnusable
from hokusai.runner.outputs import Task
from hokusai.runner.recipes.base import Table

Floats = npt.NDArray[np.float64]
FEWEST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Gathered:
    """All rows of a training, sorted by their content. `owner`: (n,) the table each came from.

    `labels`: (n,) positions in `classes` for a classification, values for a regression.
    """

    task: Task
    columns: tuple[str, ...]
    classes: npt.NDArray[Any]
    matrix: Floats
    labels: Floats
    owner: npt.NDArray[np.intp]
    tables: int

    def coalition(self, members: Sequence[int]) -> Table:
        """The rows of some tables. Raises TrainingDataUnusable for no row or one class."""
        chosen = np.zeros(self.tables, dtype=bool)
        chosen[list(members)] = True
        kept = chosen[self.owner]
        matrix, labels = self.matrix[kept], self.labels[kept]
        if not len(labels):
            raise TrainingDataUnusable("There is no row to train on.")
        if self.task == "regression":
            return Table("regression", self.columns, matrix, labels)
        if len(np.unique(labels)) < FEWEST_CLASSES:
            raise TrainingDataUnusable(
                "The rows to train on have one class only; a classifier needs at least two."
            )
        given = self.classes[labels.astype(np.intp)]
        return Table("classification", self.columns, matrix, given)


def gather(header: Mapping[str, Any], block: Floats, *, drop_gaps: bool) -> Gathered:
    """Sort `block`, (n, d + 1) float64 with labels in the last column, into a training.

    Raises TrainingDataUnusable for a value that is not finite, unless such rows are dropped;
    InvalidInput for a label outside the stated classes.
    """
    columns, sizes = tuple(header["columns"]), [int(size) for size in header["tables"]]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    # Adding 0.0 turns -0.0 into 0.0: equal rows have equal bytes.
    block = block + 0.0
    whole = np.isfinite(block).all(axis=1)
    if not whole.all():
        if not drop_gaps:
            _refuse_gap(block, owner, columns)
        block, owner = block[whole], owner[whole]
    order = np.argsort(_as_text(block), kind="stable")
    block, owner = block[order], owner[order]
    classes = np.asarray(header["classes"])
    _check_labels(header["task"], block[:, -1], len(classes))
    matrix = np.ascontiguousarray(block[:, :-1])
    return Gathered(
        header["task"], columns, classes, matrix, block[:, -1].copy(), owner, len(sizes)
    )


def _as_text(block: Floats) -> npt.NDArray[np.bytes_]:
    """Each row as one string of bytes, to sort by.

    Big-endian, so that among rows with equal features the label decides, whatever number it has.
    """
    text: npt.NDArray[np.bytes_] = block.astype(">f8").view(f"S{8 * block.shape[1]}")
    return text.ravel()


def _refuse_gap(block: Floats, owner: npt.NDArray[np.intp], columns: tuple[str, ...]) -> None:
    row, column = np.argwhere(~np.isfinite(block))[0].tolist()
    name = [*columns, "the label"][column]
    table = int(owner[row])
    row -= int(np.searchsorted(owner, table))
    raise TrainingDataUnusable(
        f"Table {table}, row {row}: {name} is empty or no finite number. Choose `missing: drop` "
        "to leave such rows out.",
        table=table,
        row=row,
        column=name,
    )


def _check_labels(task: Task, labels: Floats, classes: int) -> None:
    if task == "regression":
        return
    if not bool(np.all((labels == np.rint(labels)) & (labels >= 0) & (labels < classes))):
        raise InvalidInput("A label is none of the stated classes.")
