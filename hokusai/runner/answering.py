"""From a request's body to a reply's frame: the hot path of a child."""

import time
from typing import Final

import numpy as np
import orjson

from hokusai.runner import protocol
from hokusai.runner.errors import ModelTimeout, OutputContract, RunnerError, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.loaders.base import LoadedModel, Shape
from hokusai.runner.stamp import Stamp

DEFAULT_DEADLINE_NS: Final = 60_000_000_000


class Answerer:
    """Answers one request at a time with one model."""

    def __init__(self, model: LoadedModel, stamp: Stamp, *, tier: str, model_format: str) -> None:
        self._model = model
        self._stamp = stamp
        self._fixed = {"tier": tier, "format": model_format}
        self._foreign = ForeignCode("predict")
        self._stated: tuple[Shape, bytes] | None = None

    def answer(self, body: protocol.Block) -> bytes:
        """The reply's frame; a RunnerError becomes a frame with `error`."""
        try:
            header, block = protocol.decode(body)
            deadline = header.get("deadline_ns")
            if not isinstance(deadline, int) or not 0 < deadline < 1 << 63:
                deadline = time.monotonic_ns() + DEFAULT_DEADLINE_NS
            elif deadline < time.monotonic_ns():
                raise ModelTimeout("The request waited behind others past its deadline.")
            self._stamp.begin(deadline)
            return self._predict(header, block)
        except RunnerError as error:
            return protocol.encode({"error": to_wire(error)})
        finally:
            self._stamp.end()

    def _predict(self, header: protocol.Header, block: memoryview) -> bytes:
        reader, rows = self._model.reader, header.get("rows")
        if rows is not None:
            matrix, names = reader.rows(rows)
        else:
            matrix, names = reader.block(header.get("columns"), block)
        with self._foreign:
            shape, values = self._model.run(matrix, names)
        if header.get("probabilities") and len(shape.columns) == 1:
            raise OutputContract("The model gives no probabilities.", task=shape.task)
        if not np.isfinite(values).all():
            raise OutputContract("The model answered with a value that is not finite.")
        return self._frame(shape, values.tobytes())

    def _frame(self, shape: Shape, raw: bytes) -> bytes:
        if self._stated is None or self._stated[0] is not shape:
            self._stated = (shape, orjson.dumps(describe(shape) | self._fixed))
        text = self._stated[1]
        return protocol.head_of_block(text, len(raw)) + raw


def describe(shape: Shape | None) -> dict[str, object]:
    """What a reply states of the outputs; empty where only a prediction shows them."""
    if shape is None:
        return {"task": "regression", "columns": ["prediction"], "classes": []}
    return {"task": shape.task, "columns": shape.columns, "classes": shape.classes}
