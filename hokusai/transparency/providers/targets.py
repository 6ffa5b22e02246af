"""Where the latest checkpoint is published: a file, or an object of a bucket."""

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hokusai.core.errors import NotFound
from hokusai.storage.base import StorageUnavailable
from hokusai.storage.bucket import Bucket, translated

MAX_BYTES = 64 * 1024
CONTENT_TYPE = "text/plain; charset=utf-8"
# Whoever reads it shall not be answered by a cache that knows an older one.
CACHE_CONTROL = "no-cache"


class CheckpointTarget(ABC):
    """One place that holds one note; writing replaces it as a whole."""

    @abstractmethod
    def read(self) -> str:
        """The note, or "" before the first. Raises StorageUnavailable."""

    @abstractmethod
    def write(self, note: str) -> None:
        """Replace the note; safe to repeat. Raises StorageUnavailable."""


class FileTarget(CheckpointTarget):
    """A file; readers see the old note or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """The note, or "" before the first. Raises StorageUnavailable."""
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_BYTES).decode()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise StorageUnavailable(
                f"The published checkpoint is not readable: {error}"
            ) from error

    def write(self, note: str) -> None:
        """Replace the note; safe to repeat. Raises StorageUnavailable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                file.write(note.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(self._path)
        except OSError as error:
            raise StorageUnavailable(f"The checkpoint cannot be written: {error}") from error


class BucketTarget(CheckpointTarget):
    """An object of S3 or of what speaks like it; the bucket's versions keep the former ones."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key

    def read(self) -> str:
        """The note, or "" before the first. Raises StorageUnavailable."""
        absent = NotFound("No checkpoint was published yet.")
        try:
            with translated(absent):
                found = self._bucket.client.get_object(Bucket=self._bucket.name, Key=self._key)
                return str(found["Body"].read(MAX_BYTES).decode())
        except NotFound:
            return ""

    def write(self, note: str) -> None:
        """Replace the note; safe to repeat. Raises StorageUnavailable."""
        with translated():
            self._bucket.client.put_object(
                Bucket=self._bucket.name,
                Key=self._key,
                Body=note.encode(),
                ContentType=CONTENT_TYPE,
                CacheControl=CACHE_CONTROL,
            )


def target_of(place: str, options: Mapping[str, Any]) -> CheckpointTarget | None:
    """The target that `place` names, a path or `s3://bucket/key`; None for "".

    `options`: of the bucket, as hokusai.storage.bucket.Bucket takes them.
    """
    if not place:
        return None
    url = urlsplit(place)
    if url.scheme == "s3":
        return BucketTarget(Bucket(name=url.netloc, **options), url.path.lstrip("/"))
    return FileTarget(Path(place))
