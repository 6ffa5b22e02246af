"""Model trees in the content store: their bytes are proven before the first load.

ROOT/trees/<digest>/manifest.json     canonical JSON {"files": [{"path", "sha256", "size"}…]}
ROOT/trees/<digest>/files/<path>      readable by everyone (0444 in 0555 folders)
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from hokusai.runner.errors import ArtifactMismatch

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
MAX_MANIFEST_BYTES: Final = 64 << 20


def verified_files(store: Path, tree_digest: str) -> Path:
    """The folder with the files of `tree_digest`, after every byte was compared.

    Raises ArtifactMismatch: absent, another digest, a file missing, altered, unlisted, or a link.
    """
    if not DIGEST.fullmatch(tree_digest):
        raise ArtifactMismatch("A tree digest is 64 hexadecimal digits.")
    tree = store / "trees" / tree_digest
    listed = _manifest(tree / "manifest.json", tree_digest)
    files = tree / "files"
    present = dict(_walk(files, ""))
    for path in sorted(present.keys() ^ listed.keys()):
        known = "is missing from" if path in listed else "is not listed in"
        raise ArtifactMismatch(f"The file {path!r} {known} the stored model.", path=path)
    for path, (size, digest) in listed.items():
        if present[path] != size or _sha256(files / path) != digest:
            raise ArtifactMismatch(f"The stored file {path!r} was altered.", path=path)
    return files


def _manifest(path: Path, tree_digest: str) -> dict[str, tuple[int, str]]:
    try:
        if path.is_symlink() or path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ArtifactMismatch("The manifest of the stored model is a link or too large.")
        raw = path.read_bytes()
    except OSError as error:
        raise ArtifactMismatch("The model's files are not in the store.") from error
    if hashlib.sha256(raw).hexdigest() != tree_digest:
        raise ArtifactMismatch("The manifest of the stored model was altered.")
    try:
        return {entry["path"]: _entry(entry) for entry in orjson.loads(raw)["files"]}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ArtifactMismatch("The manifest of the stored model cannot be read.") from error


def _entry(entry: dict[str, Any]) -> tuple[int, str]:
    return int(entry["size"]), str(entry["sha256"])


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    """(relative path, size) of every file; ArtifactMismatch at anything but files and folders."""
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise ArtifactMismatch("The model's files are not in the store.") from error
    for entry in entries:
        path = prefix + entry.name
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(folder / entry.name, path + "/")
        elif stat.S_ISREG(found.st_mode):
            yield path, found.st_size
        else:
            raise ArtifactMismatch(f"{path!r} is neither a file nor a folder.", path=path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
