"""What a model answers, in the one shape every format is brought to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from hokusai.runner.errors import ProtocolError

Task = Literal["classification", "regression"]
Label = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs for n rows.

    `columns`: `prediction`, then for a classifier that gives them `probability.<class>` in the
    order of `classes`. `values`: (n, len(columns)) float64, read with `numpy.asarray` or
    `.tolist()`; in a classifier's `prediction` column stands the position in `classes`.
    `tier`, `format`: the isolation in force and the loader that ran, for the record. `model_ms`:
    how long the model ran for these rows, and for those of others where they ran together.
    """

    task: Task
    columns: tuple[str, ...]
    classes: tuple[Label, ...]
    values: "memoryview[float]"
    tier: str
    format: str
    model_ms: float = 0.0

    def predictions(self) -> list[Label]:
        """n labels (classification) or n floats (regression)."""
        if self.task == "regression":
            return [row[0] for row in self._rows()]
        return [self._label(row[0]) for row in self._rows()]

    def probabilities(self) -> list[list[float]] | None:
        """n rows of one float per class; None where the model gives no probabilities."""
        if len(self.columns) == 1:
            return None
        return [row[1:] for row in self._rows()]

    def records(self) -> list[dict[str, Label]]:
        """n dicts by column name, labels in place of positions: what an API answers."""
        records: list[dict[str, Label]] = [
            dict(zip(self.columns, row, strict=True)) for row in self._rows()
        ]
        if self.task == "classification":
            for record in records:
                record["prediction"] = self._label(float(record["prediction"]))
        return records

    def _rows(self) -> list[list[float]]:
        # A memoryview of two dimensions gives nested lists, which its type does not say.
        return cast("list[list[float]]", self.values.tolist())

    def _label(self, position: float) -> Label:
        # The sender ran foreign code: NaN, fractions and positions outside are possible.
        if not (0 <= position < len(self.classes) and position.is_integer()):
            raise ProtocolError("The model's process answered with a class it did not state.")
        return self.classes[int(position)]


def read_outputs(header: Mapping[str, object], block: memoryview) -> Outputs:
    """Outputs from a reply's header and block.

    Raises ProtocolError where they do not fit each other: the sender ran foreign code.
    """
    columns, classes, task = header.get("columns"), header.get("classes"), header.get("task")
    if task not in ("classification", "regression"):
        raise ProtocolError("The model's process answered with an unknown task.")
    if not isinstance(columns, list) or not isinstance(classes, list) or not columns:
        raise ProtocolError("The model's process answered without its columns.")
    width = 8 * len(columns)
    if len(block) % width or not len(block):
        raise ProtocolError("The model's process answered with a block of a wrong size.")
    # A frame's block may start anywhere; the copy of so small a reply is the price of alignment.
    model_ns = header.get("model_ns")
    values = memoryview(bytes(block)).cast("d", (len(block) // width, len(columns)))
    return Outputs(
        task=task,
        columns=tuple(columns),
        classes=tuple(classes),
        values=values,
        tier=str(header.get("tier", "")),
        format=str(header.get("format", "")),
        model_ms=model_ns / 1e6 if isinstance(model_ns, int) and 0 <= model_ns < 1 << 63 else 0.0,
    )
