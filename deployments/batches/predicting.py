"""One part of a batch: read its rows, ask the child, keep the outputs as Parquet, once."""

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from deployments.batch_choices import BatchStatus, ChunkStatus, OnError
from deployments.batches import places, steps, tables
from deployments.batches.children import Child
from deployments.batches.exceptions import BatchFailed, RowRefused, StillWanted
from deployments.batches.outputs import OutputColumns, values_of
from deployments.batches.tables import Block, Reader
from deployments.models import BatchChunk, BatchPrediction
from hokusai.core import leases
from hokusai.core.errors import NotFound
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.runner import errors
from hokusai.storage import stores

Floats = npt.NDArray[np.float64]
# How often a worker looks whether it is still wanted, and tells how far it is, in seconds.
LOOK_S = 0.5
# Rows of a part that the model itself may refuse, each of which costs two more questions.
MOST_REFUSED = 1_000


class GivenUp(Exception):
    """The batch was stopped."""


def predict_chunk(work: Work) -> None:
    """Do one part. Safe to repeat, and to be killed at any line; its outputs are kept once.

    Raises RunnerDown or StorageUnavailable where a later try may work; else RowRefused or
    BatchFailed.
    """
    chunk = _chunk(work.job)
    if chunk.status == ChunkStatus.DONE:
        return
    if chunk.batch.status != BatchStatus.RUNNING:
        _give_up(work, chunk)
        return
    try:
        part = _Predicting(work, chunk).run()
    except GivenUp:
        _give_up(work, chunk)
        return
    except RowRefused as error:
        with leases.fenced(work.job):
            steps.fail(chunk.batch_id, str(error), error.context["row"], error.context["column"])
        raise
    with work.result():
        steps.keep_part(chunk, part)


def chunk_failed(job: Job, reason: str) -> None:
    """A batch of which a part cannot be done has no result."""
    chunk = BatchChunk.objects.filter(public_id=job.subject).first()
    if chunk is not None:
        steps.fail(chunk.batch_id, reason)


def _give_up(work: Work, chunk: BatchChunk) -> None:
    """Close the job of a part that nobody wants now. Raises StillWanted where somebody does."""
    with work.result():
        batch = steps.locked(chunk.batch_id)
        if batch.status == BatchStatus.RUNNING:
            raise StillWanted("The batch goes on; this part is taken up again.")
        work.log("Not wanted any more.")


class _Predicting:
    """The work on one part."""

    def __init__(self, work: Work, chunk: BatchChunk) -> None:
        self._work, self._chunk, self._batch = work, chunk, chunk.batch
        self._child = Child(self._batch)
        self._marks = self._batch.on_error == OnError.MARK
        self._marked = 0
        self._look_at = time.monotonic() + LOOK_S

    def run(self) -> steps.Part:
        """Every row's outputs, kept. Raises GivenUp, and as `predict_chunk` does."""
        batch = self._batch
        reader = Reader(places.local_file(batch.table_digest))
        id_type = reader.types().get(batch.id_column) if batch.id_column else None
        if id_type is not None and pa.types.is_dictionary(id_type):
            id_type = id_type.value_type
        columns = OutputColumns(batch.shape, batch.id_column, id_type, marks=self._marks)
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(sink, columns.schema, **tables.writing(columns.schema)) as writer:
            writer.write_table(pa.concat_tables(self._answers(reader, columns)))
        content = sink.getvalue().to_pybytes()
        return steps.Part(stores["default"].put(content), len(content), self._marked)

    def _answers(self, reader: Reader, columns: OutputColumns) -> list[pa.Table]:
        batch, chunk, answers = self._batch, self._chunk, []
        blocks = reader.blocks(chunk.first_row, chunk.rows, batch.columns, batch.id_column)
        for block in blocks:
            values, refusals = self._answer(block)
            answers.append(columns.table(values, block.ids, refusals))
            self._look(block.first_row + len(block.matrix) - chunk.first_row)
        return answers

    def _look(self, rows: int) -> None:
        """Tell how far this is. Raises GivenUp, JobCancelled or LeaseLost."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_S
        self._work.check()
        open_chunk = BatchChunk.objects.filter(pk=self._chunk.pk, status=ChunkStatus.ASKED)
        open_chunk.update(rows_done=rows)
        running = BatchPrediction.objects.filter(pk=self._batch.pk, status=BatchStatus.RUNNING)
        if not running.exists():
            raise GivenUp

    def _answer(self, block: Block) -> tuple[Floats, list[str | None] | None]:
        if self._marks:
            return self._answer_or_mark(block)
        try:
            return self._ask(block.matrix), None
        except errors.InvalidInput as error:
            raise _refusal(block, error) from error

    def _ask(self, matrix: Floats) -> Floats:
        outputs = self._child.ask(self._batch.columns, matrix)
        return values_of(outputs, self._batch.shape, len(matrix))

    def _answer_or_mark(self, block: Block) -> tuple[Floats, list[str | None]]:
        """Outputs where the model gives them; elsewhere NaN, and why."""
        matrix = block.matrix
        refusals: list[str | None] = [None] * len(matrix)
        values = np.full((len(matrix), len(self._batch.shape["columns"])), np.nan)
        finite = np.isfinite(matrix)
        for row in np.flatnonzero(~finite.all(axis=1)).tolist():
            name = self._batch.columns[int(np.argmin(finite[row]))]
            refusals[row] = f"column {name!r}: a finite number is needed"
        left = np.flatnonzero(finite.all(axis=1))
        while len(left):
            left = self._answer_some(block, left, values, refusals)
        self._marked += sum(refusal is not None for refusal in refusals)
        return values, refusals

    def _answer_some(
        self, block: Block, left: Any, values: Floats, refusals: list[str | None]
    ) -> Any:
        """Answer rows up to the first that the model refuses; the places of those after it."""
        try:
            values[left] = self._ask(block.matrix[left])
        except errors.InvalidInput as error:
            if error.row is None:
                raise BatchFailed(error.message) from error
            if self._marked + sum(one is not None for one in refusals) >= MOST_REFUSED:
                raise BatchFailed(
                    f"The model refuses more than {MOST_REFUSED} rows of one part; the last: "
                    f"{_refusal(Block(block.first_row, block.matrix[left], None), error)}"
                ) from error
            refusals[left[error.row]] = f"column {error.column!r}: {_reason(error)}"
            if error.row:
                before = left[: error.row]
                values[before] = self._ask(block.matrix[before])
            return left[error.row + 1 :]
        return left[:0]


def _refusal(block: Block, error: errors.InvalidInput) -> RowRefused:
    """The refusal with the row as it is counted in the whole table."""
    row = None if error.row is None else block.first_row + error.row
    message = error.message
    if row is not None:
        column = "" if error.column is None else f", column {error.column!r}"
        message = f"Row {row}{column}: {_reason(error)}"
    return RowRefused(message, row=row, column=error.column)


def _reason(error: errors.InvalidInput) -> str:
    """What is wrong, without the place, which is counted within the block."""
    message = error.message.removeprefix(f"Row {error.row}")
    message = message.removeprefix(f", column {error.column!r}")
    return message.removeprefix(": ")


def _chunk(job: Job) -> BatchChunk:
    found = (
        BatchChunk.objects.select_related("batch__version__model", "batch__version__project")
        .filter(public_id=job.subject)
        .first()
    )
    if found is None:
        raise NotFound("The part of this job is gone.")
    return found
