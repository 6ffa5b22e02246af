"""Files that people send straight to the store: the web process signs addresses, nothing more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from hokusai.accounts.models import Project
from hokusai.core import jobs
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor, record
from hokusai.core.ids import new_id
from hokusai.storage import uploads
from hokusai.storage.multipart.base import part_size
from hokusai.storage.trees import check_path
from registry.choices import UploadState
from registry.exceptions import ArtifactRefused
from registry.models import Upload, UploadFile
from registry.sources import UPLOADED

MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class FileStatement:
    """A file as its sender describes it before sending; `sha256` hexadecimal."""

    path: str
    size_bytes: int
    sha256: str


def start_upload(*, project: Project, files: Sequence[FileStatement], actor: Actor) -> Upload:
    """Open the store for files. Raises InvalidInput, TreeRefused for paths and sizes.

    The store is asked before the transaction: what it opened and nobody fills, it forgets.
    """
    if actor.user_id is None:
        raise Forbidden("An upload is started by a person.")
    _check_files(files)
    public_id = new_id("upl")
    opened = [
        UploadFile(
            path=file.path,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            part_bytes=part_size(file.size_bytes),
            storage_key=f"{public_id}/{position}",
            storage_upload=uploads["default"].begin(f"{public_id}/{position}"),
        )
        for position, file in enumerate(files)
    ]
    with transaction.atomic():
        upload = Upload.objects.create(
            public_id=public_id,
            project=project,
            made_by_id=actor.user_id,
            expires_at=Now() + timedelta(hours=settings.UPLOAD_LIFETIME_H),
        )
        for row in opened:
            row.upload = upload
        UploadFile.objects.bulk_create(opened)
        size_bytes = sum(file.size_bytes for file in files)
        _record("upload:started", upload, actor, {"files": len(files), "size_bytes": size_bytes})
    upload.refresh_from_db()
    return upload


def _check_files(files: Sequence[FileStatement]) -> None:
    if not 1 <= len(files) <= MAX_FILES:
        raise InvalidInput(f"An upload holds 1 to {MAX_FILES} files.", files=len(files))
    seen: set[str] = set()
    for file in files:
        folded = check_path(file.path).casefold()
        if folded in seen:
            raise InvalidInput("Two files have one path on some machines.", path=file.path)
        seen.add(folded)
    total = sum(file.size_bytes for file in files)
    if total > settings.MAX_ARTIFACT_BYTES:
        raise InvalidInput(
            f"Together the files are larger than {settings.MAX_ARTIFACT_BYTES // 2**30} GiB.",
            size_bytes=total,
        )


def part_links(row: UploadFile, numbers: Iterable[int]) -> list[dict[str, object]]:
    """Links to which parts of a file are sent. Raises Conflict once the upload is closed."""
    if row.upload.state != UploadState.OPEN:
        raise Conflict(f"The upload is {row.upload.state}; it takes no more parts.")
    store = uploads["default"]
    return [
        {
            "number": number,
            "url": store.part_url(
                row.storage_key, row.storage_upload, number, expires_s=settings.UPLOAD_LINK_S
            ),
        }
        for number in numbers
    ]


@transaction.atomic
def complete_upload(*, upload_id: int, actor: Actor) -> Upload:
    """State that every part was sent; the worker that copies the files checks each of them.

    Raises InvalidTransition where it was completed or given up, Conflict where it expired.
    """
    upload = Upload.objects.select_for_update().get(pk=upload_id)
    upload.move_to(UploadState.COMPLETED)
    if Upload.objects.filter(pk=upload.pk, expires_at__lt=Now()).exists():
        raise Conflict("This upload expired; start another one.")
    upload.save(update_fields=["state"])
    _record("upload:completed", upload, actor, {})
    return upload


@transaction.atomic
def abort_upload(*, upload_id: int, actor: Actor) -> Upload:
    """Give an upload up; what was sent is removed. Raises InvalidTransition once it is used."""
    upload = Upload.objects.select_for_update().get(pk=upload_id)
    upload.move_to(UploadState.ABORTED)
    upload.save(update_fields=["state"])
    jobs.enqueue("upload_removal", subject=upload.public_id, project_id=upload.project_id)
    _record("upload:aborted", upload, actor, {})
    return upload


def abort_expired() -> int:
    """Give up what nobody completed or used in time; how many."""
    expired = Upload.objects.filter(
        state__in=[UploadState.OPEN, UploadState.COMPLETED], expires_at__lt=Now()
    )
    found = list(expired.values_list("pk", flat=True)[:1000])
    for upload_id in found:
        abort_upload(upload_id=upload_id, actor=SYSTEM)
    return len(found)


def take_upload(source: str, project: Project) -> None:
    """Mark the upload that a source names as used, inside the registration's transaction.

    Raises ArtifactRefused where it is another project's, not completed, or used before.
    """
    named = UPLOADED.match(source)
    if named is None:
        return
    upload = (
        Upload.objects.select_for_update()
        .filter(public_id=named["upload"], project=project)
        .first()
    )
    if upload is None:
        raise ArtifactRefused("This project has no such upload.", source=source)
    if upload.state != UploadState.COMPLETED:
        raise ArtifactRefused(f"The upload is {upload.state}, not completed.", source=source)
    upload.move_to(UploadState.USED)
    upload.save(update_fields=["state"])


def _record(tag: str, upload: Upload, actor: Actor, after: dict[str, object]) -> None:
    record(
        tag,
        subject=upload.public_id,
        actor=actor,
        project_id=upload.project_id,
        after={"state": upload.state, **after},
    )
