"""Writing beside the target and renaming: a crash leaves a draft, never half a file."""

import errno
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from hokusai.storehouse.layout import DRAFT

READ_ONLY = 0o444
FOLDER = 0o755


class NewFile:
    """Writes beside the target, syncs, renames: a crash leaves no half file under a digest."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> "tempfile._TemporaryFileWrapper[bytes]":
        self.stream = tempfile.NamedTemporaryFile(
            dir=self.target.parent, prefix=DRAFT, delete=False
        )
        return self.stream

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        draft = Path(self.stream.name)
        if error is not None:
            self.stream.close()
            draft.unlink()
            return
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        draft.chmod(READ_ONLY)
        draft.replace(self.target)


def new_folder(parent: Path) -> Path:
    """An empty draft folder in `parent`, which is made where it is absent."""
    parent.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    return Path(tempfile.mkdtemp(dir=parent, prefix=DRAFT))


def link_or_copy(source: Path, place: Path, *, drafts: Path) -> None:
    """Put `source` at `place` in one step, by way of the folder `drafts` on the same disk.

    It is copied where the file has as many names already as the disk allows.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = drafts / f"{DRAFT}{secrets.token_hex(8)}"
    try:
        os.link(source, draft)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        shutil.copyfile(source, draft)
        draft.chmod(READ_ONLY)
    draft.replace(place)
    # Where both are one file already, the rename does nothing and leaves the other name.
    draft.unlink(missing_ok=True)
