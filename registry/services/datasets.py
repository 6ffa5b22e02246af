from django.conf import settings
from django.db import transaction
from django.db.models import Max

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.storage import stores
from registry.choices import Access
from registry.models import Dataset, DatasetVersion

FORMATS = ("csv", "parquet", "jsonl")


@transaction.atomic
def create_dataset(
    *, project: Project, slug: str, name: str, actor: Actor, description: str = ""
) -> Dataset:
    """Make a line of tables. Raises Conflict where the name is taken."""
    dataset, made = Dataset.objects.get_or_create(
        project=project, slug=slug, defaults={"name": name, "description": description}
    )
    if not made:
        raise Conflict(f"The project has a dataset {slug!r} already.", slug=slug)
    record(
        "dataset:created",
        subject=dataset.public_id,
        actor=actor,
        project_id=project.pk,
        label=name,
        after={"slug": slug},
    )
    return dataset


@transaction.atomic
def add_dataset_version(
    *,
    dataset: Dataset,
    content: bytes,
    file_format: str,
    actor: Actor,
    label_column: str = "",
    id_column: str = "",
    access: str = Access.MEMBERS,
) -> DatasetVersion:
    """Keep a table's bytes; a worker then reads and digests its rows.

    Raises InvalidInput for an unknown format, an empty or too large file, Conflict for an
    archived dataset.
    """
    if actor.user_id is None:
        raise Forbidden("Data is given by a person.")
    _check_file(content, file_format)
    dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if dataset.archived_at is not None:
        raise Conflict(f"{dataset} is archived; restore it first.")
    last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=last + 1,
        access=access,
        file_format=file_format,
        file_digest=stores["default"].put(content),
        size_bytes=len(content),
        label_column=label_column,
        id_column=id_column,
        uploaded_by_id=actor.user_id,
    )
    jobs.enqueue(
        "dataset_intake",
        subject=version.public_id,
        project_id=dataset.project_id,
        label=str(version),
    )
    record(
        "dataset-version:added",
        subject=version.public_id,
        actor=actor,
        project_id=dataset.project_id,
        label=str(version),
        after={"file_digest": version.file_digest, "size_bytes": version.size_bytes},
    )
    return version


def _check_file(content: bytes, file_format: str) -> None:
    if file_format not in FORMATS:
        raise InvalidInput(f"Tables come as {', '.join(FORMATS)}.", file_format=file_format)
    if not content:
        raise InvalidInput("The file is empty.")
    if len(content) > settings.MAX_TABLE_BYTES:
        raise InvalidInput(
            f"The file is larger than {settings.MAX_TABLE_BYTES // 2**20} MiB.",
            size_bytes=len(content),
        )


@transaction.atomic
def seal_for_stewards(*, dataset_version_id: int) -> DatasetVersion:
    """Close a table's rows to all but stewards; there is no way back.

    Raises Conflict where a version was trained on it.
    """
    version = DatasetVersion.objects.select_for_update().get(pk=dataset_version_id)
    if version.trained.exists():
        raise Conflict("Versions were trained on these rows; a benchmark needs others.")
    version.access = Access.STEWARDS
    version.save(update_fields=["access"])
    return version
