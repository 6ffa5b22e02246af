"""What people and clients may ask of batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from deployments.batch_choices import BatchStatus, OnError
from deployments.batches import steps
from deployments.batches.exceptions import NoResult, VersionUnusable
from deployments.models import BatchPrediction, Deployment
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.storage import stores
from registry.choices import Access, ArtifactState, DatasetState, Stage
from registry.models import DatasetVersion, ModelVersion

FORMATS = ("csv", "jsonl", "parquet", "arrow")
MOST_IGNORED = 1_000


@dataclass(frozen=True, slots=True)
class UploadedTable:
    """A table that came with the request."""

    name: str
    file_format: str
    content: bytes


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How rows are read, and what becomes of a row that the model refuses."""

    id_column: str = ""
    ignored_columns: Sequence[str] = ()
    on_error: str = OnError.FAIL
    chunk_rows: int | None = None


@dataclass(frozen=True, slots=True)
class OpenResult:
    """A link to the outputs of a batch; `sha256` hexadecimal."""

    path: str
    size_bytes: int
    sha256: str
    url: str


def request_batch(
    *,
    version: ModelVersion,
    actor: Actor,
    source: DatasetVersion | UploadedTable,
    options: BatchOptions | None = None,
    deployment: Deployment | None = None,
) -> BatchPrediction:
    """Ask for predictions for every row of a table; workers do it.

    `deployment`: whose live version `version` is. The caller's right to read the rows is checked
    at the edge. Raises VersionUnusable, InvalidInput, Forbidden for a benchmark's rows,
    Conflict for a table that is not usable.
    """
    options = options or BatchOptions()
    if actor.user_id is None:
        raise Forbidden("A batch is asked for by a person.")
    given = _file_of(source, version)
    with transaction.atomic():
        _require_usable(version)
        batch = BatchPrediction.objects.create(
            version=version,
            digest=version.tree_digest,
            deployment=deployment,
            **given,
            id_column=options.id_column or _id_column(source),
            ignored_columns=list(options.ignored_columns),
            on_error=options.on_error,
            chunk_rows=options.chunk_rows or settings.BATCH_CHUNK_ROWS,
            created_by_id=actor.user_id,
        )
        steps.ask_to_go_on(batch)
        record(
            "batch:requested",
            subject=batch.public_id,
            actor=actor,
            project_id=version.project_id,
            label=str(batch),
            after={
                "status": str(batch.status),
                "version": version.public_id,
                "digest": batch.digest,
                "file_digest": batch.file_digest,
                "on_error": str(batch.on_error),
            },
        )
    return batch


@transaction.atomic
def cancel_batch(*, batch_id: int, actor: Actor) -> BatchPrediction:
    """Stop a batch; parts that are done are kept. Raises InvalidTransition where it has ended."""
    batch = steps.locked(batch_id)
    steps.cancel(batch, actor)
    return batch


@transaction.atomic
def resume_batch(*, batch_id: int, actor: Actor) -> BatchPrediction:
    """Let a batch that failed or was cancelled go on with the parts that are missing.

    Raises InvalidTransition, VersionUnusable, or Conflict once its table was forgotten.
    """
    batch = steps.locked(batch_id)
    if batch.forgotten_at is not None:
        raise Conflict("The table of this batch was forgotten; ask for a new batch.")
    before = batch.status
    batch.move_to(BatchStatus.QUEUED)
    _require_usable(batch.version)
    batch.error, batch.error_row, batch.error_column = "", None, ""
    batch.finished_at = batch.expires_at = None
    batch.save(
        update_fields=[
            "status",
            "error",
            "error_row",
            "error_column",
            "finished_at",
            "expires_at",
        ]
    )
    steps.tell("batch:resumed", batch, actor, before, rows_done=batch.rows_done)
    if batch.chunks.exists():
        steps.begin(batch, actor)
    else:
        steps.ask_to_go_on(batch)
    return batch


def open_result(*, batch_id: int, actor: Actor) -> OpenResult:
    """A link to the outputs. Raises NoResult where there are none, StorageUnavailable."""
    batch = BatchPrediction.objects.select_related("version__model", "version__project").get(
        pk=batch_id
    )
    if batch.forgotten_at is not None:
        raise NoResult(f"The outputs were kept for {settings.BATCH_KEPT_DAYS} days.")
    if batch.status != BatchStatus.SUCCEEDED or batch.output_bytes is None:
        raise NoResult(f"The batch is {batch.status}; it has no outputs.", status=batch.status)
    name = f"{batch.version.model.model_id}-{batch.version.number}-{batch.public_id}.parquet"
    with transaction.atomic():
        record(
            "batch:downloaded",
            subject=batch.public_id,
            actor=actor,
            project_id=batch.project.pk,
            label=str(batch),
            after={"output_digest": batch.output_digest},
        )
    url = stores["default"].blob_url(
        batch.output_digest, filename=name, expires_s=settings.DOWNLOAD_LINK_S
    )
    return OpenResult(name, batch.output_bytes, batch.output_digest, url)


def _require_usable(version: ModelVersion) -> None:
    """Raises VersionUnusable where the version's bytes are not here, or it was archived."""
    if version.artifact_state != ArtifactState.READY or not version.tree_digest:
        raise VersionUnusable(f"The artifact of {version} is {version.artifact_state}, not ready.")
    if version.stage == Stage.ARCHIVED:
        raise VersionUnusable(f"{version} was archived.")


def _file_of(source: DatasetVersion | UploadedTable, version: ModelVersion) -> dict[str, object]:
    """The fields that name the table. Raises as `request_batch` does."""
    if isinstance(source, UploadedTable):
        return _uploaded(source)
    if source.project.pk != version.project_id:
        raise InvalidInput("The table is of another project than the model.")
    if source.access != Access.MEMBERS:
        raise Forbidden("The rows of a benchmark are for comparisons alone.")
    if source.state != DatasetState.USABLE:
        raise Conflict(f"The table is {source.state}, not usable.", state=source.state)
    return {
        "dataset_version": source,
        "file_format": source.file_format,
        "file_digest": source.file_digest,
        "size_bytes": source.size_bytes,
    }


def _uploaded(source: UploadedTable) -> dict[str, object]:
    if source.file_format not in FORMATS:
        raise InvalidInput(f"Tables come as {', '.join(FORMATS)}.", file_format=source.file_format)
    if not source.content:
        raise InvalidInput("The file is empty.")
    if len(source.content) > settings.MAX_TABLE_BYTES:
        raise InvalidInput(
            f"The file is larger than {settings.MAX_TABLE_BYTES // 2**20} MiB.",
            size_bytes=len(source.content),
        )
    return {
        "file_name": source.name[:200],
        "file_format": source.file_format,
        "file_digest": stores["default"].put(source.content),
        "size_bytes": len(source.content),
    }


def _id_column(source: DatasetVersion | UploadedTable) -> str:
    return source.id_column if isinstance(source, DatasetVersion) else ""
