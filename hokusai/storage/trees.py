"""The tree digest: one sha256 for a folder of files.

The manifest is RFC 8785 JSON, `{"files":[{"path","sha256","size"},…]}`, paths in NFC, sorted by
their UTF-8 bytes; the tree digest is the sha256 of exactly those bytes. What could be read as
another tree on another machine is refused: links, `..`, absolute paths, paths that differ in case.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hokusai.core.canonical import canonical_bytes
from hokusai.core.errors import InvalidInput

CHUNK = 1024 * 1024


class TreeRefused(InvalidInput):
    """The folder cannot be named by one digest on every machine."""

    code = "tree_refused"


@dataclass(frozen=True, slots=True)
class TreeFile:
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    files: tuple[TreeFile, ...]

    @property
    def content(self) -> bytes:
        """The canonical bytes."""
        entries = [{"path": f.path, "sha256": f.sha256, "size": f.size} for f in self.files]
        return canonical_bytes({"files": entries})

    @property
    def digest(self) -> str:
        """The tree digest, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def size_bytes(self) -> int:
        return sum(file.size for file in self.files)


def file_digest(path: Path) -> str:
    """sha256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def manifest_of(folder: Path) -> Manifest:
    """Read a folder. Raises TreeRefused for links, special files, colliding or unsafe paths."""
    files = [
        TreeFile(path=relative, sha256=file_digest(path), size=path.stat().st_size)
        for relative, path in files_of(folder)
    ]
    if not files:
        raise TreeRefused("The artifact holds no file.")
    _refuse_collisions(files)
    return Manifest(tuple(sorted(files, key=lambda file: file.path.encode())))


def check_folder(folder: Path) -> None:
    """Raises TreeRefused for links, special files and unsafe paths; nothing is read."""
    for _ in files_of(folder):
        continue


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each file's path in the tree, in NFC, and where it lies. Raises TreeRefused."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise TreeRefused(f"{path.name} is a link; an artifact holds files only.")
        if path.is_dir():
            continue
        if not path.is_file():
            raise TreeRefused(f"{path.name} is no ordinary file.")
        relative = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
        yield check_path(relative), path


def check_path(relative: str) -> str:
    """The path itself. Raises TreeRefused for one that leaves the tree."""
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise TreeRefused(f"{relative!r} is no path inside an artifact.")
    try:
        relative.encode()
    except UnicodeEncodeError as error:
        raise TreeRefused(f"{relative!r} is not text in UTF-8.") from error
    return relative


def _refuse_collisions(files: list[TreeFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        folded = file.path.casefold()
        if folded in seen:
            raise TreeRefused(f"{file.path!r} and {seen[folded]!r} are one path on some machines.")
        seen[folded] = file.path
