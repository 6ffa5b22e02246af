"""What a client asks of training recipes; a part of `RunnerClient`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hokusai.runner.errors import ProtocolError
from hokusai.runner.outputs import Label, Outputs, Task, read_outputs

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TRAINING_DEADLINE_S: Final = 600.0
TRAINING_MEMORY_BYTES: Final = 2 << 30
# A project's first training also waits for its warmed parent.
WARM_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one giver, for `fit_predict`. `matrix`: (n, d) float64; empty cells are NaN.

    `labels`: (n,) float64: positions in the training's classes for a classification, values for a
    regression; an empty one is NaN.
    """

    matrix: "npt.NDArray[np.float64]"
    labels: "npt.NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is trained: the task, the names of the columns, and the classes of a classification."""

    recipe: str
    task: Task
    columns: Sequence[str]
    classes: Sequence[Label]
    parameters: Mapping[str, Any]


class TrainingCalls:
    """Fitting in a child of the runner; every method raises a RunnerError."""

    def _call(
        self, header: dict[str, Any], block: memoryview | None, timeout_s: float
    ) -> tuple[dict[str, Any], memoryview]:
        raise NotImplementedError

    def fit_predict(
        self,
        *,
        project: str,
        assignment: Assignment,
        tables: Sequence[Rows],
        coalitions: Sequence[Sequence[int]],
        seeds: Sequence[int],
        matrix: "npt.NDArray[np.float64]",
        deadline_s: float = TRAINING_DEADLINE_S,
        memory_bytes: int = TRAINING_MEMORY_BYTES,
    ) -> list[Outputs]:
        """Outputs for `matrix`, (m, d) float64, of one fit per coalition, in one fresh child.

        A coalition names tables by their places; `seeds` holds one seed per coalition. The tables
        travel once. Raises RecipeRefused, InvalidParameters, TrainingDataUnusable, ModelRaised,
        ModelTimeout, ModelOutOfMemory, ModelCrashed.
        """
        header = _header("fit_predict", assignment, tables)
        header |= {
            "coalitions": [list(map(int, members)) for members in coalitions],
            "seeds": list(map(int, seeds)),
            "export": False,
            "project": project,
            "deadline_s": deadline_s,
            "memory_bytes": memory_bytes,
        }
        _check(header, len(tables))
        block = _block(tables, matrix)
        reply, raw = self._call(header, block, deadline_s + WARM_S)
        return list(_outputs(reply, raw, rows=len(matrix), fits=len(coalitions)))

    def fit_export(
        self,
        *,
        project: str,
        assignment: Assignment,
        tables: Sequence[Rows],
        seed: int,
        deadline_s: float = TRAINING_DEADLINE_S,
        memory_bytes: int = TRAINING_MEMORY_BYTES,
    ) -> dict[str, bytes]:
        """The files of a model fitted on all `tables`, by path; raises as `fit_predict` does."""
        header = _header("fit_export", assignment, tables)
        header |= {
            "coalitions": [list(range(len(tables)))],
            "seeds": [int(seed)],
            "export": True,
            "project": project,
            "deadline_s": deadline_s,
            "memory_bytes": memory_bytes,
        }
        reply, raw = self._call(header, _block(tables, None), deadline_s + WARM_S)
        return files_of(reply, raw)


def _header(
    op: str,
    assignment: Assignment,
    tables: Sequence[Rows],
) -> dict[str, Any]:
    return {
        "op": op,
        "recipe": assignment.recipe,
        "task": assignment.task,
        "columns": list(assignment.columns),
        "classes": list(assignment.classes),
        "parameters": dict(assignment.parameters),
        "tables": [len(table.labels) for table in tables],
    }


def _check(header: Mapping[str, Any], tables: int) -> None:
    if len(header["coalitions"]) != len(header["seeds"]):
        raise ValueError("give one seed per coalition")
    if any(not 0 <= place < tables for members in header["coalitions"] for place in members):
        raise ValueError("a coalition names a table that is not there")


def _block(tables: Sequence[Rows], matrix: "npt.NDArray[np.float64] | None") -> memoryview:
    import numpy as np  # noqa: PLC0415 - the serving path of web processes needs no numpy

    parts = [np.column_stack([table.matrix, table.labels]).ravel() for table in tables]
    if matrix is not None:
        parts.append(np.asarray(matrix, dtype=np.float64).ravel())
    joined: Any = np.concatenate(parts).astype("<f8", copy=False)
    return memoryview(joined)


def _outputs(
    reply: Mapping[str, Any], raw: memoryview, *, rows: int, fits: int
) -> Iterator[Outputs]:
    stated = reply.get("fits")
    if not isinstance(stated, list) or len(stated) != fits:
        raise ProtocolError("The training answered for another number of coalitions.")
    start = 0
    for shape in stated:
        if not isinstance(shape, dict) or not isinstance(shape.get("columns"), list):
            raise ProtocolError("The training answered without its columns.")
        end = start + 8 * rows * len(shape["columns"])
        common = {"tier": reply.get("tier", ""), "format": reply.get("format", "")}
        outputs = read_outputs(shape | common, raw[start:end])
        if len(outputs.values) != rows:
            raise ProtocolError("The training answered for another number of rows.")
        yield outputs
        start = end


def files_of(reply: Mapping[str, Any], raw: memoryview) -> dict[str, bytes]:
    """The files of a reply that lists them; raises ProtocolError where sizes do not fit."""
    listed = reply.get("files")
    if not isinstance(listed, list):
        raise ProtocolError("The child answered without files.")
    files, start = {}, 0
    for entry in listed:
        size = entry["size"] if isinstance(entry, dict) else -1
        if not isinstance(size, int) or size < 0 or start + size > len(raw):
            raise ProtocolError("The child answered with files of another size.")
        files[str(entry["path"])] = bytes(raw[start : start + size])
        start += size
    return files
