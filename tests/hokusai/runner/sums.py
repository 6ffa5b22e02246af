"""A model that adds up each row, fails on request, and can be held; and who asks it."""

import threading
import time
from typing import Any

import numpy as np

from hokusai.runner import protocol
from hokusai.runner.answering import Answerer
from hokusai.runner.errors import from_wire
from hokusai.runner.inputs import InputReader
from hokusai.runner.loaders.base import REGRESSION, Floats, Shape
from hokusai.runner.mlmodel import InputColumn
from hokusai.runner.outputs import Outputs, read_outputs
from hokusai.runner.stamp import Stamp

POISON = 666.0
# So many numbers per row that an answer does not fit into a socket.
WIDE = 1 << 17


class Sums:
    """`runs`: rows of each run. `mixes`: what a row gives depends on the others."""

    def __init__(self, *, mixes: bool = False, wide: bool = False) -> None:
        self.reader = InputReader([InputColumn("a", "double"), InputColumn("b", "double")])
        self.shape: Shape | None = REGRESSION
        self.runs: list[int] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._mixes = mixes
        if wide:
            columns = tuple(f"probability.{i}" for i in range(WIDE - 1))
            self.shape = Shape("regression", ("prediction", *columns), ())

    def run(self, matrix: Floats, names: tuple[str, ...]) -> tuple[Shape, Floats]:
        """See `LoadedModel.run`."""
        assert names == ("a", "b")
        self.runs.append(len(matrix))
        self.begun.set()
        assert self.go_on.wait(20)
        if (matrix == POISON).any():
            raise ValueError("poison")
        found = matrix.sum(axis=1)
        if self._mixes:
            found -= found.mean()
        shape = self.shape or REGRESSION
        return shape, np.repeat(found.reshape(-1, 1), len(shape.columns), axis=1)


def answerer(model: Sums, descriptor: int, model_format: str = "onnx", **more: Any) -> Answerer:
    """What answers with `model`; `descriptor` is a stamp's."""
    return Answerer(model, Stamp(descriptor), tier="A", model_format=model_format, **more)


def body(*rows: tuple[object, object], deadline_s: float = 20) -> bytes:
    """A frame's body that asks for `rows` of (a, b)."""
    return frame(*rows, deadline_s=deadline_s)[protocol.LENGTH.size :]


def frame(*rows: tuple[object, object], deadline_s: float = 20) -> bytes:
    """A frame that asks for `rows` of (a, b)."""
    deadline_ns = time.monotonic_ns() + int(deadline_s * 1e9)
    given = [{"a": a, "b": b} for a, b in rows]
    return protocol.encode({"deadline_ns": deadline_ns, "rows": given})


def outputs(raw: protocol.Block) -> Outputs:
    """The outputs in a reply's body; raises the error in it."""
    header, block = protocol.decode(raw)
    if "error" in header:
        raise from_wire(header["error"])
    return read_outputs(header, block)
