"""From a request's body to a reply's frame: the hot path of a child."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import orjson

from hokusai.runner import protocol
from hokusai.runner.batching import MAX_ROWS, Pace
from hokusai.runner.errors import ModelTimeout, OutputContract, RunnerError, to_wire
from hokusai.runner.foreign import ForeignCode
from hokusai.runner.loaders.base import Floats, LoadedModel, Shape
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.stamp import Stamp

DEFAULT_DEADLINE_NS: Final = 60_000_000_000
# A request with hardly any time left must not end the child for all others: whatever deadlines
# say, a run of the model has this long before main ends it. Its caller stops waiting on time.
LEAST_RUN_NS: Final = 1_000_000_000
# The model's own code may keep state between calls or mix rows, so it never sees two requests at
# once. ONNX and skops files compute row by row, which their first batches must prove.
TOGETHER: Final = frozenset({ModelFormat.ONNX, ModelFormat.SKOPS})
LARGE_BYTES: Final = 1 << 18
PROVED_BATCHES: Final = 3
MAX_PROVING: Final = 8


class Asked:
    """One request that was read: (n, inputs) values in the model's order, and what it wants."""

    __slots__ = ("deadline_ns", "matrix", "names", "probabilities", "read_ns")

    def __init__(self, header: protocol.Header, matrix: Floats, names: tuple[str, ...]) -> None:
        self.matrix = matrix
        self.names = names
        self.probabilities = bool(header.get("probabilities"))
        self.read_ns = time.monotonic_ns()
        deadline = header.get("deadline_ns")
        if not isinstance(deadline, int) or not 0 < deadline < 1 << 63:
            deadline = self.read_ns + DEFAULT_DEADLINE_NS
        self.deadline_ns = deadline


class Answerer:
    """Answers requests with one model: one at a time, or several in one run.

    `together`: whether requests may share a run, as far as is known.
    """

    def __init__(
        self,
        model: LoadedModel,
        stamp: Stamp,
        *,
        tier: str,
        model_format: str,
        latency_budget_ms: float = 0.0,
    ) -> None:
        self._model = model
        self._stamp = stamp
        self._fixed = {"tier": tier, "format": model_format}
        self._foreign = ForeignCode("predict")
        self._stated: tuple[Shape, bytes] | None = None
        self._proved = 0
        self._model_ns = 0
        self.together = model_format in TOGETHER
        self.pace = Pace(int(latency_budget_ms * 1e6))

    def answer(self, body: protocol.Block) -> bytes:
        """The reply's frame to one body; a RunnerError becomes a frame with `error`."""
        try:
            asked = self.read(body)
        except RunnerError as error:
            return self.refuse(error)
        return self.answer_one(asked)

    def read(self, body: protocol.Block) -> Asked:
        """What a body asks; raises InvalidInput and ProtocolError."""
        if len(body) < LARGE_BYTES:
            return self._read(body)
        # Main must see that a child which reads for long is neither idle nor beside itself.
        self._stamp.begin(time.monotonic_ns() + DEFAULT_DEADLINE_NS)
        try:
            return self._read(body)
        finally:
            self._stamp.end()

    def _read(self, body: protocol.Block) -> Asked:
        header, block = protocol.decode(body)
        reader, rows = self._model.reader, header.get("rows")
        if rows is not None:
            return Asked(header, *reader.rows(rows))
        return Asked(header, *reader.block(header.get("columns"), block))

    def refuse(self, error: RunnerError) -> bytes:
        """The frame for a request that could not be read."""
        self._stamp.answered(0, failed=True)
        return protocol.encode({"error": to_wire(error)})

    def answer_one(self, asked: Asked) -> bytes:
        """The reply's frame to one request, run alone."""
        try:
            self._in_time(asked)
            shape, values = self._run(asked.matrix, asked.names, asked.deadline_ns, 1)
            return self._reply(asked, shape, values)
        except RunnerError as error:
            return self._failed(asked, error)

    def answer_all(self, requests: Sequence[Asked]) -> Iterator[tuple[int, bytes]]:
        """(position, frame) of every request, each as soon as it is ready, small ones first."""
        now = time.monotonic_ns()
        for place, asked in enumerate(requests):
            if asked.deadline_ns < now:
                yield place, self.answer_one(asked)
        order = [place for place, asked in enumerate(requests) if asked.deadline_ns >= now]
        order.sort(key=lambda place: len(requests[place].matrix))
        while order:
            count = self._alike([requests[place] for place in order])
            group, order = order[:count], order[count:]
            frames = self._answer_group([requests[place] for place in group])
            yield from zip(group, frames, strict=True)

    def _alike(self, requests: list[Asked]) -> int:
        """How many of `requests`, from the first on, may share a run."""
        if not self.together:
            return 1
        most = len(requests) if self._proved >= PROVED_BATCHES else MAX_PROVING
        rows = count = 0
        for asked in requests[:most]:
            rows += len(asked.matrix)
            if count and (rows > MAX_ROWS or asked.names != requests[0].names):
                break
            count += 1
        return count

    def _answer_group(self, group: list[Asked]) -> list[bytes]:
        if len(group) == 1:
            return [self.answer_one(group[0])]
        if self._proved < PROVED_BATCHES:
            return self._prove(group)
        try:
            shape, parts = self._run_together(group)
        except RunnerError:
            # One of them is at fault: alone, only that one fails.
            return [self.answer_one(asked) for asked in group]
        return [self._tried(asked, shape, part) for asked, part in zip(group, parts, strict=True)]

    def _prove(self, group: list[Asked]) -> list[bytes]:
        """Answer each alone, and see whether one run for all would have said the same."""
        results = []
        frames = []
        for asked in group:
            try:
                self._in_time(asked)
                shape, values = self._run(asked.matrix, asked.names, asked.deadline_ns, 1)
            except RunnerError as error:
                frames.append(self._failed(asked, error))
                continue
            results.append((asked, values))
            frames.append(self._tried(asked, shape, values))
        if len(results) == len(group):
            self.together = self._same_together(results)
            self._proved += 1
        return frames

    def _same_together(self, results: list[tuple[Asked, Floats]]) -> bool:
        try:
            _, parts = self._run_together([asked for asked, _ in results])
        except RunnerError:
            return False
        pairs = zip(parts, (values for _, values in results), strict=True)
        return all(np.allclose(one, other, rtol=1e-4, atol=1e-6) for one, other in pairs)

    def _run_together(self, group: list[Asked]) -> tuple[Shape, list[Floats]]:
        matrix = np.concatenate([asked.matrix for asked in group])
        deadline_ns = min(asked.deadline_ns for asked in group)
        shape, values = self._run(matrix, group[0].names, deadline_ns, len(group))
        parts, start = [], 0
        for asked in group:
            end = start + len(asked.matrix)
            parts.append(values[start:end])
            start = end
        return shape, parts

    def _in_time(self, asked: Asked) -> None:
        if asked.deadline_ns < time.monotonic_ns():
            raise ModelTimeout("The request waited behind others past its deadline.")

    def _run(
        self, matrix: Floats, names: tuple[str, ...], deadline_ns: int, requests: int
    ) -> tuple[Shape, Floats]:
        began = time.monotonic_ns()
        self._stamp.begin(max(deadline_ns, began + LEAST_RUN_NS))
        try:
            with self._foreign:
                return self._model.run(matrix, names)
        finally:
            self._stamp.end()
            self._model_ns = took = time.monotonic_ns() - began
            self._stamp.ran(requests, len(matrix), took)
            self.pace.ran(len(matrix), took)

    def _tried(self, asked: Asked, shape: Shape, values: Floats) -> bytes:
        try:
            return self._reply(asked, shape, values)
        except RunnerError as error:
            return self._failed(asked, error)

    def _reply(self, asked: Asked, shape: Shape, values: Floats) -> bytes:
        if asked.probabilities and len(shape.columns) == 1:
            raise OutputContract("The model gives no probabilities.", task=shape.task)
        if not np.isfinite(values).all():
            raise OutputContract("The model answered with a value that is not finite.")
        frame = self._frame(shape, values.tobytes())
        self._stamp.answered(time.monotonic_ns() - asked.read_ns)
        return frame

    def _failed(self, asked: Asked, error: RunnerError) -> bytes:
        self._stamp.answered(time.monotonic_ns() - asked.read_ns, failed=True)
        return protocol.encode({"error": to_wire(error)})

    def _frame(self, shape: Shape, raw: bytes) -> bytes:
        if self._stated is None or self._stated[0] is not shape:
            self._stated = (shape, orjson.dumps(describe(shape) | self._fixed)[:-1])
        text = b'%s,"model_ns":%d}' % (self._stated[1], self._model_ns)
        return protocol.head_of_block(text, len(raw)) + raw


def describe(shape: Shape | None) -> dict[str, object]:
    """What a reply states of the outputs; empty where only a prediction shows them."""
    if shape is None:
        return {"task": "regression", "columns": ["prediction"], "classes": []}
    return {"task": shape.task, "columns": shape.columns, "classes": shape.classes}
