"""Taking in one part of an upload: streamed to disk, never held in memory, seen whole or not."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import to_thread

from hokusai.storehouse.layout import DRAFT, PART_NAME, part_name

BUFFER_BYTES = 1024 * 1024


class PartTooLarge(Exception):
    """More bytes came than the link permits."""


class PartCutShort(Exception):
    """Fewer bytes came than were announced."""


async def receive_part(
    chunks: AsyncIterator[bytes],
    folder: Path,
    number: int,
    *,
    max_bytes: int,
    announced: int | None,
) -> str:
    """Keep a part, replacing an earlier one of this number; its ETag.

    Raises PartTooLarge or PartCutShort; then, and after any crash, the part is as it was before.
    """
    descriptor, name = await to_thread.run_sync(lambda: tempfile.mkstemp(dir=folder, prefix=DRAFT))
    draft = _Draft(descriptor, Path(name))
    try:
        async for chunk in chunks:
            await draft.take(chunk, max_bytes)
        if announced is not None and draft.size_bytes != announced:
            raise PartCutShort(f"{draft.size_bytes} of {announced} bytes came.")
        return await to_thread.run_sync(draft.keep, number)
    finally:
        draft.close()


class _Draft:
    """A part on its way: counted, hashed and written in large steps."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._stream = os.fdopen(descriptor, "wb", buffering=0)
        self._path = path
        self._buffer = bytearray()
        # S3's ETag of a part is its md5; it finds accidents, and nobody trusts it for more.
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0

    async def take(self, chunk: bytes, max_bytes: int) -> None:
        self.size_bytes += len(chunk)
        if self.size_bytes > max_bytes:
            raise PartTooLarge(f"A part holds at most {max_bytes} bytes.")
        self._buffer += chunk
        if len(self._buffer) >= BUFFER_BYTES:
            await to_thread.run_sync(self._write)

    def keep(self, number: int) -> str:
        self._write()
        os.fsync(self._stream.fileno())
        etag = self._md5.hexdigest()
        target = self._path.with_name(part_name(number, etag))
        os.replace(self._path, target)
        for other in target.parent.glob(f"{number:05}.*"):
            if other != target and PART_NAME.fullmatch(other.name):
                other.unlink(missing_ok=True)
        return etag

    def close(self) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        view = memoryview(bytes(self._buffer))
        self._buffer.clear()
        self._md5.update(view)
        while view:
            view = view[self._stream.write(view) or 0 :]
