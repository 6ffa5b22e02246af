import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hokusai.storage.base import StorageUnavailable
from hokusai.storage.multipart.base import (
    MAX_PART_BYTES,
    OpenUpload,
    UploadNotFound,
    UploadPart,
    UploadStore,
    check_key,
    check_number,
)
from hokusai.storage.trees import CHUNK
from hokusai.storehouse.layout import KEY, PART_NAME, UPLOAD_ID, parts_folder, stored_parts
from hokusai.storehouse.signing import signed_query

PRIVATE = 0o700


class LocalUploads(UploadStore):
    """Uploads on this machine's disk; the store process takes the parts.

    uploads/parts/<upload id>/…      parts, and the key in `key`
    uploads/objects/<sha256 of the key>/…  the same folder once complete: joining copies nothing

    `url` and `secret` are of the store process that answers links; without them it gives none.
    """

    def __init__(
        self, *, root: str, url: str = "", secret: str = "", max_part_bytes: int = MAX_PART_BYTES
    ) -> None:
        self.root = Path(root)
        self._url, self._secret, self._max = url.rstrip("/"), secret, max_part_bytes

    def begin(self, key: str) -> str:
        check_key(key)
        upload_id = secrets.token_hex(16)
        folder = parts_folder(self.root, upload_id)
        folder.mkdir(mode=PRIVATE, parents=True)
        (folder / KEY).write_text(key, encoding="ascii")
        return upload_id

    def part_url(self, key: str, upload_id: str, number: int, *, expires_s: int) -> str:
        check_key(key)
        if not self._url:
            raise StorageUnavailable("This store gives no links: STORE_URL is not set.")
        if not UPLOAD_ID.fullmatch(upload_id):
            raise UploadNotFound("There is no such upload.")
        path = f"/parts/{upload_id}/{check_number(number)}"
        expires_at_s = int(time.time()) + expires_s
        query = {"max": str(self._max)}
        signed = signed_query(self._secret, "PUT", path, query, expires_at_s=expires_at_s)
        return f"{self._url}{path}?{signed}"

    def parts(self, key: str, upload_id: str) -> list[UploadPart]:
        return _listed(self._of(key, upload_id))

    def _join(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        folder = self._of(key, upload_id)
        chosen = {part.number for part in parts}
        for number, path in stored_parts(folder).items():
            if number not in chosen:
                path.unlink(missing_ok=True)
        target = self._object(key)
        target.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        folder.rename(target)

    def abort(self, key: str, upload_id: str) -> None:
        try:
            shutil.rmtree(self._of(key, upload_id))
        except (UploadNotFound, FileNotFoundError):
            return

    def unfinished(self) -> Iterator[OpenUpload]:
        for folder in self.root.glob("uploads/parts/*"):
            try:
                key = (folder / KEY).read_text(encoding="ascii")
                began_at = datetime.fromtimestamp((folder / KEY).stat().st_mtime, UTC)
            except FileNotFoundError:
                continue
            yield OpenUpload(key, folder.name, began_at)

    def size(self, key: str) -> int:
        return sum(part.size_bytes for part in _listed(self._found(key)))

    def _read_from(self, key: str, offset: int) -> Iterator[bytes]:
        for _, path in sorted(stored_parts(self._found(key)).items()):
            size_bytes = path.stat().st_size
            if offset < size_bytes:
                with path.open("rb") as stream:
                    stream.seek(offset)
                    while chunk := stream.read(CHUNK):
                        yield chunk
            offset = max(0, offset - size_bytes)

    def delete(self, key: str) -> None:
        shutil.rmtree(self._object(key), ignore_errors=True)

    def _of(self, key: str, upload_id: str) -> Path:
        """The folder of an open upload of this key. Raises UploadNotFound."""
        check_key(key)
        folder = parts_folder(self.root, upload_id)
        if not UPLOAD_ID.fullmatch(upload_id) or not (folder / KEY).is_file():
            raise UploadNotFound("There is no such upload.")
        if (folder / KEY).read_text(encoding="ascii") != key:
            raise UploadNotFound("There is no such upload.")
        return folder

    def _object(self, key: str) -> Path:
        name = hashlib.sha256(check_key(key).encode("ascii")).hexdigest()
        return self.root / "uploads" / "objects" / name

    def _found(self, key: str) -> Path:
        folder = self._object(key)
        if not folder.is_dir():
            raise UploadNotFound("There is no completed upload of this name.")
        return folder


def _listed(folder: Path) -> list[UploadPart]:
    listed = []
    for number, path in sorted(stored_parts(folder).items()):
        match = PART_NAME.fullmatch(path.name)
        etag = match[2] if match else ""
        listed.append(UploadPart(number, os.stat(path).st_size, etag))
    return listed
