"""The text of a C2SP checkpoint (tlog-checkpoint): origin, size and root of a log."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Self

from hokusai.core.merkle import HASH_BYTES
from hokusai.transparency.algorithms.notes import NoteError, checked_name

LINES = 3
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class CheckpointText:
    """What a log, or a witness, signs."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        root = base64.b64encode(self.root).decode()
        return f"{checked_name(self.origin)}\n{self.size}\n{root}\n"

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a text; lines that may follow are left out. Raises NoteError."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < LINES or not all(lines) or not _SIZE.match(lines[1]):
            raise NoteError("A checkpoint is an origin, a size and a root.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError) as error:
            raise NoteError("The root of the checkpoint is not base64.") from error
        if len(root) != HASH_BYTES:
            raise NoteError(f"The root of a checkpoint has {HASH_BYTES} bytes.")
        return cls(lines[0], int(lines[1]), root)
