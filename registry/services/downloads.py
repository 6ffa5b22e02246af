"""Handing out a version's bytes: links that end, to whoever its level of secrecy allows."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from hokusai.core.errors import Forbidden, NotFound
from hokusai.core.events import Actor, record
from hokusai.storage import stores
from registry.choices import ArtifactState, SecurityLevel
from registry.exceptions import ArtifactNotReady
from registry.models import DatasetVersion, ModelVersion
from registry.querysets import shared_models

# Which permission each level asks for, from everybody who sees the model to few.
NEEDED = {
    SecurityLevel.PUBLIC: "registry.view_model",
    SecurityLevel.INTERNAL: "registry.download_internal",
    SecurityLevel.CONFIDENTIAL: "registry.download_confidential",
    SecurityLevel.RESTRICTED: "registry.download_restricted",
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A link to one file; `sha256` hexadecimal."""

    path: str
    size_bytes: int
    sha256: str
    url: str


@dataclass(frozen=True, slots=True)
class OpenArtifact:
    """Links to all files of a version, which work for `expires_in_s` seconds."""

    tree_digest: str
    size_bytes: int
    expires_in_s: int
    files: list[OpenFile]


def open_artifact(*, version_id: int, user: Any, actor: Actor) -> OpenArtifact:
    """Links to every file. Raises ArtifactNotReady, Forbidden for the version's level."""
    version = _allowed(version_id, user)
    files = [_opened(file) for file in stores["default"].manifest(version.tree_digest).files]
    _record(version, actor, [file.path for file in files])
    size_bytes = sum(file.size_bytes for file in files)
    return OpenArtifact(version.tree_digest, size_bytes, settings.DOWNLOAD_LINK_S, files)


def open_file(*, version_id: int, path: str, user: Any, actor: Actor) -> OpenFile:
    """A link to one file. Raises NotFound, and as `open_artifact` does."""
    version = _allowed(version_id, user)
    for file in stores["default"].manifest(version.tree_digest).files:
        if file.path == path:
            _record(version, actor, [path])
            return _opened(file)
    raise NotFound("The version has no such file.", path=path[:200])


def open_table(*, dataset_version_id: int, actor: Actor) -> OpenFile:
    """A link to a dataset version's file; the edge knows that its rows may be read."""
    version = DatasetVersion.objects.select_related("dataset").get(pk=dataset_version_id)
    name = f"{version.dataset.slug}-{version.number}.{version.file_format}"
    with transaction.atomic():
        record(
            "dataset-version:downloaded",
            subject=version.public_id,
            actor=actor,
            project_id=version.dataset.project_id,
            label=str(version),
        )
    url = stores["default"].blob_url(
        version.file_digest, filename=name, expires_s=settings.DOWNLOAD_LINK_S
    )
    return OpenFile(name, version.size_bytes, version.file_digest, url)


def _allowed(version_id: int, user: Any) -> ModelVersion:
    version = ModelVersion.objects.with_names().get(pk=version_id)
    if version.artifact_state != ArtifactState.READY:
        raise ArtifactNotReady(f"The artifact is {version.artifact_state}; it has no files yet.")
    level = SecurityLevel(version.security_level)
    if not (user.has_perm(NEEDED[level], version) or _shared(version, level, user)):
        raise Forbidden(
            f"The files of this version are {version.security_level}; your role may not have them.",
            security_level=version.security_level,
        )
    return version


def _shared(version: ModelVersion, level: SecurityLevel, user: Any) -> bool:
    """Whoever a model is shared with gets what any member of its project gets."""
    if level not in {SecurityLevel.PUBLIC, SecurityLevel.INTERNAL}:
        return False
    return shared_models(user).filter(model=version.model_id).exists()


def _opened(file: Any) -> OpenFile:
    url = stores["default"].blob_url(
        file.sha256, filename=file.path.rpartition("/")[2], expires_s=settings.DOWNLOAD_LINK_S
    )
    return OpenFile(file.path, file.size, file.sha256, url)


@transaction.atomic
def _record(version: ModelVersion, actor: Actor, paths: list[str]) -> None:
    record(
        "artifact:downloaded",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        after={"tree_digest": version.tree_digest, "files": paths[:100], "count": len(paths)},
    )
