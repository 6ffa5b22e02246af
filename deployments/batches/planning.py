"""The batch's own job: plan its parts or, when all are done, put them together."""

from bisect import bisect_right

from deployments.batch_choices import BatchStatus, ChunkStatus
from deployments.batches import places, sources, steps, tables
from deployments.batches.assembling import assemble
from deployments.batches.children import Child
from deployments.batches.exceptions import BatchFailed, StillWanted
from deployments.batches.outputs import OutputColumns, shape_of
from deployments.batches.tables import Reader
from deployments.models import BatchPrediction
from hokusai.core import leases
from hokusai.core.errors import InvalidInput, NotFound
from hokusai.core.jobs import Work
from hokusai.core.models import Job


def go_on(work: Work) -> None:
    """Take a batch one step further. Safe to repeat, and to be killed at any line.

    Raises RunnerDown or StorageUnavailable where a later try may work; else InvalidInput or
    BatchFailed.
    """
    batch = _batch(work.job)
    if batch.status == BatchStatus.QUEUED:
        _plan(work, batch)
    elif batch.status == BatchStatus.RUNNING and _all_done(batch):
        work.progress(10, "putting the parts together")
        digest, size_bytes = assemble(batch)
        with work.result():
            steps.finish(batch.pk, digest, size_bytes)
    else:
        _give_up(work, batch)


def _give_up(work: Work, batch: BatchPrediction) -> None:
    """Close the job of a batch that has stopped. Raises StillWanted where it goes on."""
    with work.result():
        if steps.locked(batch.pk).status == BatchStatus.QUEUED:
            raise StillWanted("The batch goes on; it is taken up again.")
        work.log("Not wanted any more.")


def batch_failed(job: Job, reason: str) -> None:
    """Say on the batch that it ended without a result, and why."""
    batch = BatchPrediction.objects.filter(public_id=job.subject).first()
    if batch is not None:
        steps.fail(batch.pk, reason)


def _plan(work: Work, batch: BatchPrediction) -> None:
    try:
        plan = _planned(work, batch)
    except InvalidInput as error:
        with leases.fenced(work.job):
            steps.fail(batch.pk, str(error), error.context.get("row"), error.context.get("column"))
        raise
    with work.result():
        steps.keep_plan(steps.locked(batch.pk), plan)


def _planned(work: Work, batch: BatchPrediction) -> steps.Plan:
    work.progress(10, "starting the model")
    described = Child(batch).describe()
    work.progress(30, "reading the table")
    source = sources.read_source(batch)
    label = batch.dataset_version.label_column if batch.dataset_version else ""
    columns = sources.columns_for(source, described.inputs, batch, label=label)
    shape = shape_of(described)
    widest = max(len(columns), len(shape["columns"]))
    part_rows = tables.rows_of_part(batch.chunk_rows, widest)
    digest = sources.keep_readable(source, batch, columns, part_rows)
    reader = Reader(places.local_file(digest))
    if not reader.rows:
        raise InvalidInput("The table has no rows.")
    # Refuses what cannot be put into columns before a row is asked for.
    OutputColumns(shape, batch.id_column, reader.types().get(batch.id_column), marks=False)
    return steps.Plan(digest, columns, shape, chunks_of(reader.starts, part_rows))


def chunks_of(starts: list[int], chunk_rows: int) -> list[tuple[int, int]]:
    """(first row, rows) of parts of about `chunk_rows` rows, which end where row groups do.

    `starts`: the first row of each row group, and the number of all rows; no group is larger than
    a part, or it is a part's own size at the least.
    """
    chunks, first, total = [], 0, starts[-1]
    while first < total:
        end = starts[bisect_right(starts, first + chunk_rows) - 1]
        if end <= first:
            end = min(first + chunk_rows, total)
        chunks.append((first, end - first))
        first = end
    return chunks


def _all_done(batch: BatchPrediction) -> bool:
    return not batch.chunks.exclude(status=ChunkStatus.DONE).exists()


def _batch(job: Job) -> BatchPrediction:
    found = (
        BatchPrediction.objects.select_related(
            "version__model", "version__project", "dataset_version__dataset__project"
        )
        .filter(public_id=job.subject)
        .first()
    )
    if found is None:
        raise NotFound("The batch of this job is gone.")
    if found.forgotten_at is not None:
        raise BatchFailed("The table of this batch was forgotten.")
    return found
