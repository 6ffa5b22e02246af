"""Where a worker keeps the tables that it works on, on this machine's disk."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from hokusai.storage import stores


def folder() -> Path:
    """Where this machine keeps the tables that it works on."""
    path: Path = settings.BATCH_FOLDER
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def local_file(digest: str) -> Path:
    """A blob on this machine's disk; its bytes were proven when they were brought here.

    Raises ContentMissing, ContentDamaged or StorageUnavailable.
    """
    path = folder() / digest
    if not path.exists():
        with draft() as new:
            stores["default"].bring(digest, new)
            new.replace(path)
    return path


@contextmanager
def draft() -> Iterator[Path]:
    """A file that is gone afterwards, unless it was moved."""
    handle, name = tempfile.mkstemp(prefix="draft-", dir=folder())
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
