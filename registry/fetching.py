"""Bringing a version's files to this machine, from wherever its source says; safe to repeat.

The folder outlives the worker: a second try goes on with what the first one brought.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from hokusai.core.errors import OutsideUnavailable
from hokusai.storage import stores, uploads
from hokusai.storage.multipart.base import PartsMismatch, UploadNotFound
from hokusai.storage.trees import check_path, file_digest
from hokusai.tracking import tracking
from registry.exceptions import ArtifactRefused
from registry.mapping import project_of_run, server_of
from registry.models import ModelVersion, Upload, UploadFile
from registry.providers import hubs
from registry.providers.base import HubFile
from registry.sources import HUB, MADE, UPLOADED

# Percent of a copy's progress that fetching fills.
FETCHED = 50
Note = Callable[[int, str], None]


class NoSpace(OutsideUnavailable):
    """This machine's disk cannot hold the files now."""

    code = "no_space"


@dataclass(frozen=True, slots=True)
class Fetched:
    """`files`: the folder that holds them; `run_id`: the run that made them, if any is known."""

    files: Path
    run_id: str = ""


def fetch(version: ModelVersion, folder: Path, note: Note) -> Fetched:
    """Copy the files behind a version's source below `folder`.

    Raises ArtifactRefused, or an OutsideUnavailable where a later try may work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if found := UPLOADED.match(version.source):
        return _from_upload(version, found["upload"], folder / "upload", note)
    if found := MADE.match(version.source):
        return _from_store(found["tree"], folder / "made", note)
    if found := HUB.match(version.source):
        return _from_hub(found["repository"], found["revision"], folder / "hub", note)
    return _from_tracking(version, folder / "tracking", note)


def _from_tracking(version: ModelVersion, folder: Path, note: Note) -> Fetched:
    client = tracking[server_of(version)]
    source, run_id = client.resolve_source(version.source)
    _check_run(version, run_id)
    # The tracking server states no digests, so that a part of a file cannot be told from it.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    note(10, f"fetching {version.source}")
    return Fetched(client.download(source, folder), run_id)


def _check_run(version: ModelVersion, run_id: str) -> None:
    """A source is of the run that was named, and of no run that is another project's."""
    if run_id and version.run_id not in ("", run_id):
        raise ArtifactRefused(
            f"The source is of the run {run_id}, not of {version.run_id}.", run_id=run_id
        )
    named = run_id or version.run_id
    owner = project_of_run(named) if named else None
    if owner is not None and owner != version.project_id:
        raise ArtifactRefused("A version is copied from models of its own project.")


def _from_upload(version: ModelVersion, public_id: str, folder: Path, note: Note) -> Fetched:
    upload = Upload.objects.get(public_id=public_id, project=version.project_id)
    rows = list(upload.files.all())
    _check_space(sum(row.size_bytes for row in rows))
    for done, row in enumerate(rows):
        note(_share(done, len(rows)), f"fetching {row.path}")
        _fetch_uploaded(row, folder / check_path(row.path))
    return Fetched(folder)


def _fetch_uploaded(row: UploadFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if _holds(target, row.size_bytes, row.sha256):
        return
    _complete(row)
    uploads["default"].download(row.storage_key, target)
    if not _holds(target, row.size_bytes, row.sha256):
        target.unlink()
        raise ArtifactRefused(
            f"{row.path} is not what its sender stated: size or sha256 differ.", path=row.path
        )


def _complete(row: UploadFile) -> None:
    store = uploads["default"]
    try:
        parts = store.parts(row.storage_key, row.storage_upload)
        if sum(part.size_bytes for part in parts) != row.size_bytes:
            raise ArtifactRefused(
                f"Parts of {row.path} are missing: {sum(p.size_bytes for p in parts)} of "
                f"{row.size_bytes} bytes came.",
                path=row.path,
            )
        store.complete(row.storage_key, row.storage_upload, parts)
    except UploadNotFound:
        # Completed by a worker that died: its size tells; else the error is raised again.
        store.size(row.storage_key)
    except PartsMismatch as error:
        raise ArtifactRefused(f"{row.path}: {error}", path=row.path) from error


def _from_store(tree_digest: str, folder: Path, note: Note) -> Fetched:
    store = stores["default"]
    files = store.manifest(tree_digest).files
    for done, file in enumerate(files):
        note(_share(done, len(files)), f"fetching {file.path}")
        target = folder / check_path(file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.get(file.sha256))
    return Fetched(folder)


def _from_hub(repository: str, revision: str, folder: Path, note: Note) -> Fetched:
    hub = hubs["default"]
    files = hub.files(repository, revision)
    if not files:
        raise ArtifactRefused("The repository holds no file at this commit.")
    _check_space(sum(file.size_bytes for file in files))
    for done, file in enumerate(files):
        note(_share(done, len(files)), f"fetching {file.path}")
        target = folder / check_path(file.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _arrived(file, target):
            hub.download(repository, revision, file.path, target)
        if not _arrived(file, target):
            target.unlink()
            raise ArtifactRefused(f"{file.path} is not what the hub states.", path=file.path)
    return Fetched(folder)


def _arrived(file: HubFile, target: Path) -> bool:
    """Files without a digest are small text; their size and the commit tell."""
    return _holds(target, file.size_bytes, file.sha256)


def _holds(target: Path, size_bytes: int, sha256: str) -> bool:
    if not target.is_file() or target.stat().st_size != size_bytes:
        return False
    return not sha256 or file_digest(target) == sha256


def _share(done: int, total: int) -> int:
    return 10 + (FETCHED - 10) * done // max(total, 1)


def _check_space(size_bytes: int) -> None:
    """Raises ArtifactRefused above the limit, NoSpace where the disk is too full now."""
    if size_bytes > settings.MAX_ARTIFACT_BYTES:
        raise ArtifactRefused(
            f"The artifact is larger than {settings.MAX_ARTIFACT_BYTES // 2**30} GiB.",
            size_bytes=size_bytes,
        )
    settings.ARTIFACT_STAGING.mkdir(parents=True, exist_ok=True)
    # Once in the staging folder, once in the store.
    if shutil.disk_usage(settings.ARTIFACT_STAGING).free < 2 * size_bytes:
        raise NoSpace(f"There is no room for {2 * size_bytes} bytes; the copy waits.")
