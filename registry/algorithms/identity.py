"""The identity of a model: a digest of its content that two saves of one model share.

A save writes times, random ids and addresses of memory; none of them is part of the model.
Identity, version 1, is SHA-256 over "hokusai-identity/1" and, for each file in the order of its
path (bytes of UTF-8, NFC), `len path len kind digest`, each `len` a big-endian uint32. The digest
of a file is SHA-256 of: an MLmodel file's canonical JSON without ids, times, sizes and places; an
archive's members (name, digest), sorted; the bytes of any other file. It finds twins and is no
proof of integrity: that is the tree digest.
"""

import json
import struct
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from hokusai.core.canonical import canonical_bytes
from registry.algorithms.archives import (
    CHUNK_BYTES,
    Archive,
    ArchiveLimits,
    ArchiveRefused,
    Member,
    is_zip,
)
from registry.algorithms.bounded_yaml import YamlRefused, load_plain
from registry.algorithms.npy import records_digest

PREFIX: Final = b"hokusai-identity/1"
MAX_SCHEMA_BYTES: Final = 64 * 1024**2
MAX_RECORDS_BYTES: Final = 256 * 1024**2
MLMODEL: Final = "MLmodel"
SKOPS_SCHEMA: Final = "schema.json"
ARCHIVES: Final = frozenset({".skops", ".npz", ".zip", ".keras"})

# What surrounds a model: environments, examples, documents, MLflow's note of a registration.
LEFT_OUT: Final = frozenset(
    {
        "requirements.txt",
        "conda.yaml",
        "python_env.yaml",
        "input_example.json",
        "input_example.npz",
        "input_example",
        "serving_input_example.json",
        "registered_model_meta",
        "README.md",
        ".gitattributes",
        ".gitignore",
        "model.sig",
    }
)
# `metadata/` is the copy of the description that MLflow puts beside a registered model.
LEFT_OUT_FOLDERS: Final = frozenset({"metadata", ".cache", ".git"})

_UNSTABLE: Final = frozenset(
    {
        "artifact_path",
        "env_vars",
        "is_signature_from_type_hint",
        "mlflow_version",
        "model_id",
        "model_size_bytes",
        "model_uuid",
        "prompts",
        "run_id",
        "saved_input_example_info",
        "type_hint_from_example",
        "utc_time_created",
    }
)
_UNSTABLE_PYFUNC: Final = frozenset({"env", "python_version"})


class IdentityRefused(ValueError):
    """The content cannot be read within its limits; `path` says where."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


def identity_of(folder: Path, *, limits: ArchiveLimits | None = None) -> str:
    """The identity of the model in `folder`, as 64 hexadecimal digits.

    Raises:
        IdentityRefused: a symlink, or an archive that is damaged or larger than it may be.
        OSError: a file cannot be read.
    """
    total = sha256(PREFIX)
    for name, path in sorted(_files(folder)):
        kind, digest = _digest(path, name, limits or ArchiveLimits())
        for part in (name.encode(), kind.encode()):
            total.update(struct.pack(">I", len(part)) + part)
        total.update(digest)
    return total.hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_symlink():
            raise IdentityRefused("A link is no content.", inside.as_posix())
        if path.is_file() and not _left_out(inside):
            yield unicodedata.normalize("NFC", inside.as_posix()), path


def _left_out(inside: Path) -> bool:
    if len(inside.parts) == 1:
        return inside.name in LEFT_OUT
    return inside.parts[0] in LEFT_OUT_FOLDERS


def _digest(path: Path, name: str, limits: ArchiveLimits) -> tuple[str, bytes]:
    """What the file was read as, and its digest."""
    try:
        if name == MLMODEL:
            return "description", _of_description(path)
        if path.suffix.lower() in ARCHIVES and is_zip(path):
            return "archive", _of_archive(path, limits)
    except YamlRefused:
        return "bytes", _of_chunks(_chunks(path))
    except ArchiveRefused as error:
        raise IdentityRefused(str(error), name) from error
    return "bytes", _of_chunks(_chunks(path))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def _of_chunks(chunks: Iterable[bytes]) -> bytes:
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _of_description(path: Path) -> bytes:
    if path.stat().st_size > MAX_SCHEMA_BYTES:
        raise YamlRefused("It is too large.")
    document = load_plain(path.read_bytes())
    if not isinstance(document, Mapping):
        raise YamlRefused("It is no mapping.")
    kept = {key: value for key, value in document.items() if key not in _UNSTABLE}
    flavors = kept.get("flavors")
    if isinstance(flavors, Mapping):
        kept["flavors"] = {name: _flavor(value) for name, value in flavors.items()}
    return sha256(json.dumps(kept, sort_keys=True, default=str).encode()).digest()


def _flavor(stated: Any) -> Any:
    if not isinstance(stated, Mapping):
        return stated
    return {key: value for key, value in stated.items() if key not in _UNSTABLE_PYFUNC}


def _of_archive(path: Path, limits: ArchiveLimits) -> bytes:
    with Archive(path, limits) as archive:
        digests = {member.name: _of_member(archive, member) for member in archive.members}
        if path.suffix.lower() == ".skops" and SKOPS_SCHEMA in digests:
            return _of_skops(archive, digests)
        if path.suffix.lower() == ".keras":
            digests.pop("metadata.json", None)  # the time of saving
    return _of_members(digests)


def _of_member(archive: Archive, member: Member) -> bytes:
    if member.name.endswith(".npy") and member.size_bytes <= MAX_RECORDS_BYTES:
        content = archive.read(member.name, MAX_RECORDS_BYTES)
        return records_digest(content) or sha256(content).digest()
    return _of_chunks(archive.stream(member.name))


def _of_members(digests: Mapping[str, bytes]) -> bytes:
    named = {name: digest.hex() for name, digest in digests.items()}
    return sha256(canonical_bytes(named)).digest()


def _of_skops(archive: Archive, digests: Mapping[str, bytes]) -> bytes:
    """skops names members by addresses of memory; here the schema names them by their content."""
    schema = archive.read(SKOPS_SCHEMA, MAX_SCHEMA_BYTES)
    files = {name: digest.hex() for name, digest in digests.items() if name != SKOPS_SCHEMA}
    try:
        tree = _stable(json.loads(schema), files)
        canonical = json.dumps(tree, sort_keys=True).encode()
    except (ValueError, RecursionError):
        return _of_members(digests)
    members = "".join(sorted(files.values())).encode()
    return sha256(canonical + members).digest()


def _stable(node: Any, files: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_stable(item, files) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _stable(value, files) for key, value in node.items() if key != "__id__"}
    if isinstance(node.get("file"), str):
        kept["file"] = files.get(node["file"], node["file"])
    return kept
