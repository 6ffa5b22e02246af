"""Reading an uploaded table in a worker: digests of its rows, or the reason why not."""

import math
from typing import Any

from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from registry.algorithms.rows import Column, RowDigests, RowError, Schema, digest_rows
from registry.algorithms.table_statistics import statistics
from registry.algorithms.tables import Table
from registry.choices import DatasetState
from registry.exceptions import DatasetRefused
from registry.models import DatasetVersion, RowDigest
from registry.tables import read_rows

BATCH = 5000
PREVIEW_ROWS = 20
PREVIEW_COLUMNS = 50
PREVIEW_TEXT = 200


def take_in(work: Work) -> None:
    """Digest the rows of a received version. Raises DatasetRefused; safe to repeat."""
    version = _version(work.job)
    if version.state != DatasetState.RECEIVED:
        return
    work.progress(10, "reading the file")
    table = read_rows(version)
    schema = _schema(version, table)
    work.progress(40, f"digesting {table.row_count} rows")
    digests = _digest(table, schema)
    work.progress(70, "keeping the digests")
    work.progress(85, "describing the columns")
    described = _describe(table, schema)
    with work.result():
        _keep(version, table, schema, digests, described)


def intake_failed(job: Job, reason: str) -> None:
    """Refuse the version for the reason that ended its job. Safe to repeat."""
    version = DatasetVersion.objects.select_for_update().get(pk=_version(job).pk)
    if version.state != DatasetState.RECEIVED:
        return
    version.move_to(DatasetState.REFUSED)
    version.reasons = [{"code": "unreadable", "message": reason}]
    version.save(update_fields=["state", "reasons"])
    _record(version, "dataset-version:refused", {"reasons": version.reasons})


def _version(job: Job) -> DatasetVersion:
    version = DatasetVersion.objects.filter(public_id=job.subject).select_related("dataset").first()
    if version is None:
        raise NotFound("The dataset version of this job is gone.")
    return version


def _schema(version: DatasetVersion, table: Table) -> Schema:
    for role, name in (("label", version.label_column), ("id", version.id_column)):
        if name and name not in table.columns:
            raise DatasetRefused(f"The {role} column {name!r} is not in the file.", column=name)
    columns = tuple(Column(column.name, column.dtype) for column in table.schema.columns)
    return Schema(columns, label=version.label_column or None, id=version.id_column or None)


def _digest(table: Table, schema: Schema) -> RowDigests:
    try:
        return digest_rows(table.columns, schema)
    except RowError as error:
        raise DatasetRefused(str(error)) from error


def _describe(table: Table, schema: Schema) -> dict[str, Any]:
    """Statistics of every column, and the first rows as text, cut to what a page shows."""
    names = [column.name for column in schema.columns[:PREVIEW_COLUMNS]]
    rows = [
        [_shown(table.columns[name][row]) for name in names]
        for row in range(min(PREVIEW_ROWS, table.row_count))
    ]
    preview = {"columns": names, "rows": rows}
    return {**statistics(table, schema.label or ""), "preview": preview}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return value[:PREVIEW_TEXT]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _keep(
    version: DatasetVersion,
    table: Table,
    schema: Schema,
    digests: RowDigests,
    described: dict[str, Any],
) -> None:
    version = DatasetVersion.objects.select_for_update().get(pk=version.pk)
    version.move_to(DatasetState.USABLE)
    version.columns = [{"name": c.name, "dtype": c.dtype} for c in schema.columns]
    version.rows_digest, version.row_count = digests.root, table.row_count
    version.statistics = described
    version.save(update_fields=["state", "columns", "rows_digest", "row_count", "statistics"])
    RowDigest.objects.bulk_create(
        (
            RowDigest(dataset_version=version, row=row, inputs=inputs)
            for row, inputs in zip(digests.rows, digests.inputs, strict=True)
        ),
        batch_size=BATCH,
    )
    _record(
        version,
        "dataset-version:usable",
        {"rows": version.row_count, "rows_digest": version.rows_digest},
    )


def _record(version: DatasetVersion, tag: str, after: dict[str, object]) -> None:
    record(
        tag,
        subject=version.public_id,
        actor=SYSTEM,
        project_id=version.project.pk,
        label=str(version),
        after=after,
    )
