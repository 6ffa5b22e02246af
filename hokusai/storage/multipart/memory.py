import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hokusai.storage.multipart.base import (
    OpenUpload,
    UploadNotFound,
    UploadPart,
    UploadStore,
    check_key,
    check_number,
)

CHUNK = 1024 * 1024


@dataclass
class _Open:
    key: str
    began_at: datetime
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryUploads(UploadStore):
    """Uploads of one process; for tests. `receive` does what a PUT to a link does."""

    def __init__(self) -> None:
        self.open: dict[str, _Open] = {}
        self.objects: dict[str, bytes] = {}

    def begin(self, key: str) -> str:
        upload_id = secrets.token_hex(16)
        self.open[upload_id] = _Open(check_key(key), datetime.now(UTC))
        return upload_id

    def part_url(self, key: str, upload_id: str, number: int, *, expires_s: int) -> str:
        check_key(key)
        return f"memory://parts/{upload_id}/{check_number(number)}?expires_s={expires_s}"

    def receive(self, url: str, content: bytes) -> str:
        """Keep a part as the client of `url` would send it; its ETag."""
        upload_id, number = url.removeprefix("memory://parts/").partition("?")[0].split("/")
        self._found(upload_id).parts[int(number)] = content
        return _etag(content)

    def parts(self, key: str, upload_id: str) -> list[UploadPart]:
        received = sorted(self._of(key, upload_id).parts.items())
        return [UploadPart(number, len(part), _etag(part)) for number, part in received]

    def _join(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        received = self._of(key, upload_id).parts
        self.objects[key] = b"".join(received[part.number] for part in parts)
        del self.open[upload_id]

    def abort(self, key: str, upload_id: str) -> None:
        check_key(key)
        self.open.pop(upload_id, None)

    def unfinished(self) -> Iterator[OpenUpload]:
        for upload_id, found in list(self.open.items()):
            yield OpenUpload(found.key, upload_id, found.began_at)

    def size(self, key: str) -> int:
        if key not in self.objects:
            raise UploadNotFound("There is no completed upload of this name.")
        return len(self.objects[key])

    def _read_from(self, key: str, offset: int) -> Iterator[bytes]:
        content = self.objects[key]
        for start in range(offset, len(content), CHUNK):
            yield content[start : start + CHUNK]

    def delete(self, key: str) -> None:
        self.objects.pop(check_key(key), None)

    def _of(self, key: str, upload_id: str) -> _Open:
        found = self._found(upload_id)
        if found.key != check_key(key):
            raise UploadNotFound("There is no such upload.")
        return found

    def _found(self, upload_id: str) -> _Open:
        try:
            return self.open[upload_id]
        except KeyError as error:
            raise UploadNotFound("There is no such upload.") from error


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
