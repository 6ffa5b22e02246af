"""The typed client of the runner, for web and workers. Needs no numpy and no model library."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hokusai.runner import protocol
from hokusai.runner.conversion_calls import ConversionCalls
from hokusai.runner.errors import (
    ModelCrashed,
    ModelTimeout,
    ProtocolError,
    RunnerError,
    RunnerUnavailable,
    from_wire,
)
from hokusai.runner.lines import Lines, connect
from hokusai.runner.outputs import Outputs, read_outputs
from hokusai.runner.statements import ChildStats, Described, Health
from hokusai.runner.table_calls import Table, TableCalls
from hokusai.runner.training_calls import Assignment, Rows, TrainingCalls

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    # (n, len(columns)) float64, row-major: an array, or its bytes.
    Matrix: TypeAlias = npt.NDArray[np.float64] | memoryview | bytes

__all__ = [
    "Assignment",
    "ChildStats",
    "Described",
    "Health",
    "Outputs",
    "Rows",
    "RunnerClient",
    "Table",
]

Header = dict[str, Any]
Row = Mapping[str, Any]

# A project's first call also waits until its warmed parent has imported the libraries.
WARM_S: Final = 120.0


class RunnerClient(TrainingCalls, TableCalls, ConversionCalls):
    """Calls the runner at `socket_path`. Thread-safe and fork-safe; keeps no open call.

    Every method raises a RunnerError: RunnerUnavailable where nobody answers in `timeout_s`.
    """

    def __init__(self, socket_path: str, timeout_s: float = 30.0) -> None:
        self.socket_path = socket_path
        self.timeout_s = timeout_s
        self._lines = Lines(timeout_s)

    def health(self) -> Health:
        """The tier in force and what the probe proved."""
        body = self._ask({"op": "health"})
        return Health(
            tier=body["tier"],
            probe=body["probe"],
            warnings=tuple(body["warnings"]),
            formats=tuple(body["formats"]),
            children=body["children"],
            recipes=tuple(body.get("recipes", ())),
            keys=body["keys"],
            restarts=body["restarts"],
            memory_bytes=body["memory_bytes"],
        )

    def stats(self) -> list[ChildStats]:
        """Every served key, with or without a living child."""
        return [ChildStats(**child) for child in self._ask({"op": "stats"})["children"]]

    def predict_once(
        self,
        *,
        project: str,
        tree_digest: str,
        rows: Sequence[Row] | None = None,
        columns: Sequence[str] | None = None,
        matrix: "Matrix | None" = None,
        deadline_s: float = 60.0,
        memory_bytes: int = 1 << 30,
        require_probabilities: bool = False,
    ) -> Outputs:
        """Outputs for `rows`, or for `matrix` under `columns`, from a fresh child for this call.

        `deadline_s` counts from the start of loading. Raises ModelCrashed, ModelTimeout,
        ModelOutOfMemory, ModelRaised, InvalidInput, ArtifactMismatch, FormatRefused,
        OutputContract.
        """
        header = {
            "op": "predict_once",
            "project": project,
            "tree_digest": tree_digest,
            "deadline_s": deadline_s,
            "memory_bytes": memory_bytes,
            "probabilities": require_probabilities,
        }
        block = _fill(header, rows, columns, matrix)
        return read_outputs(*self._call(header, block, deadline_s + WARM_S))

    def serve(
        self,
        *,
        project: str,
        key: str,
        tree_digest: str,
        memory_bytes: int = 1 << 30,
        load_timeout_s: float = 60.0,
        converted_digest: str = "",
        latency_budget_ms: float = 0.0,
        idle_s: float = 0.0,
    ) -> str:
        """Where `key` is answered from now on: always the same socket path for a key.

        Idempotent. A key that is new, or served otherwise so far, is loaded before this returns;
        a child that crashed, or ended after `idle_s` without a request (0: never), is started
        again by the next request. `converted_digest`: of an ONNX model that answers in place of
        `tree_digest`'s. `latency_budget_ms`: how long a request may wait to be answered with
        others. Raises as `predict_once` does; what was served before is served on then.
        """
        header = {
            "op": "serve",
            "project": project,
            "key": key,
            "tree_digest": tree_digest,
            "memory_bytes": memory_bytes,
            "deadline_s": load_timeout_s,
            "converted_digest": converted_digest,
            "latency_budget_ms": latency_budget_ms,
            "idle_s": idle_s,
        }
        body = self._ask(header, load_timeout_s + WARM_S)
        return str(body["socket_path"])

    def describe(self, *, key: str) -> Described:
        """What `key` said of itself when it was loaded; RunnerUnavailable if not served."""
        body = self._ask({"op": "describe", "key": key})
        return Described(
            task=body["task"],
            inputs=tuple(body["inputs"]),
            columns=tuple(body["columns"]),
            classes=tuple(body["classes"]),
            format=body["format"],
            tier=body["tier"],
            tree_digest=body["tree_digest"],
            converted_digest=body["converted_digest"],
        )

    def stop(self, *, key: str) -> bool:
        """Serve `key` no more; its child may finish its request, at most 5 s. False if none."""
        return bool(self._ask({"op": "stop", "key": key})["stopped"])

    def kill(self, *, key: str) -> bool:
        """End the child of `key` now and serve it no more; False if none."""
        return bool(self._ask({"op": "kill", "key": key})["stopped"])

    def predict(
        self,
        socket_path: str,
        *,
        rows: Sequence[Row] | None = None,
        columns: Sequence[str] | None = None,
        matrix: "Matrix | None" = None,
        deadline_s: float = 1.0,
        require_probabilities: bool = False,
    ) -> Outputs:
        """Outputs from the child at `socket_path` (of `serve`), over this thread's connection.

        Raises as `predict_once` does; RunnerUnavailable: call `serve` and try again once.
        """
        header = {
            "deadline_ns": time.monotonic_ns() + int(deadline_s * 1e9),
            "probabilities": require_probabilities,
        }
        block = _fill(header, rows, columns, matrix)
        return read_outputs(*_checked(self._reach(socket_path, header, block, deadline_s)))

    def _reach(
        self,
        path: str,
        header: Header,
        block: memoryview | None,
        deadline_s: float,
        *,
        again: bool = True,
    ) -> protocol.Block:
        try:
            return self._lines.exchange(path, header, block, deadline_s)
        except TimeoutError as error:
            self._lines.drop(path)
            raise self._stuck(path, deadline_s) from error
        except (OSError, ProtocolError) as error:
            self._lines.drop(path)
            cause = self._why(path, again=again)
            if isinstance(cause, RunnerUnavailable) and isinstance(error, ProtocolError):
                cause = ModelCrashed("The model's process answered with something unreadable.")
            if cause is not None:
                raise cause from error
        # Its child was ended on purpose at this very moment; the next one is behind the same door.
        return self._reach(path, header, block, deadline_s, again=False)

    def _why(self, path: str, *, again: bool) -> RunnerError | None:
        """Why nobody answered; None where asking once more is answered (unless not `again`)."""
        body = self._ask({"op": "why", "socket_path": path})
        if body["cause"] is not None:
            return from_wire(body["cause"])
        if again and body["again"]:
            return None
        return RunnerUnavailable("This version is not being served at the moment.")

    def _stuck(self, path: str, deadline_s: float) -> RunnerError:
        self._ask({"op": "stuck", "socket_path": path})
        return ModelTimeout(
            f"The model did not answer within {deadline_s:g} s.", deadline_s=deadline_s
        )

    def _ask(self, header: Header, timeout_s: float | None = None) -> Header:
        return self._call(header, None, timeout_s or self.timeout_s)[0]

    def _call(
        self, header: Header, block: memoryview | None, timeout_s: float
    ) -> tuple[Header, memoryview]:
        try:
            with connect(self.socket_path, self.timeout_s) as connection:
                connection.settimeout(timeout_s)
                protocol.send(connection, header, block)
                body = protocol.receive(connection)
        except OSError as error:
            raise RunnerUnavailable("The model runner does not answer.") from error
        if body is None:
            raise RunnerUnavailable("The model runner ended the call without an answer.")
        return _checked(body)


def _checked(body: protocol.Block) -> tuple[Header, memoryview]:
    header, block = protocol.decode(body)
    if "error" in header:
        raise from_wire(header["error"])
    return header, block


def _fill(
    header: Header,
    rows: Sequence[Row] | None,
    columns: Sequence[str] | None,
    matrix: "Matrix | None",
) -> memoryview | None:
    if rows is not None:
        header["rows"] = rows
        return None
    if columns is None or matrix is None:
        raise ValueError("give rows, or columns and matrix")
    header["columns"] = list(columns)
    # numpy announces the buffer it has to type checkers only from Python 3.12 on.
    buffer: Any = matrix
    return memoryview(buffer)
