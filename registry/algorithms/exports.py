"""An exported version: a folder that proves itself with nothing but a public key.

files/          the artifact, as it was copied
model.sig       the platform's signature over it (OpenSSF model signing)
model.<who>.sig signatures of third parties
README.md       the model card; manifest.json holds its sha256, the signature does not cover it
manifest.json   what the version is, and the files behind its tree digest
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from hokusai.core.canonical import canonical_bytes
from registry.algorithms.signatures import (
    SignatureInvalid,
    SignedFiles,
    differences,
    read_signature,
)

FORMAT: Final = "hokusai-export/1"
FILES: Final = "files"
SIGNATURE: Final = "model.sig"
CARD: Final = "README.md"
MANIFEST: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 64 * 1024**2
CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportReport:
    """`problems`: [] for a whole export. `key_id`: who signed; "" where nobody known did."""

    problems: tuple[str, ...]
    key_id: str = ""
    label: str = ""
    tree_digest: str = ""
    file_count: int = 0


def signature_name(signer: str) -> str:
    """Under which name a third party's signature lies in an export."""
    return f"model.{signer}.sig"


def verify_export(folder: Path, public_pems: Iterable[str]) -> ExportReport:
    """Check a whole export: every file that was added, removed, renamed or changed is named.

    Raises OSError where the folder cannot be read.
    """
    problems = list(_strays(folder))
    try:
        signed = read_signature(_text(folder / SIGNATURE), public_pems)
    except (SignatureInvalid, FileNotFoundError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, SignatureInvalid) else "it is missing or no text"
        return ExportReport((*problems, f"{SIGNATURE}: {reason}"))
    found, links = _found(folder / FILES)
    problems += links + [f"{line}" for line in differences(signed.files, found)]
    stated, faults = _manifest(folder, signed)
    problems += faults
    return ExportReport(
        tuple(problems),
        signed.key_id,
        str(stated.get("label", "")),
        str(stated.get("tree_digest", "")),
        len(found),
    )


def _strays(folder: Path) -> Iterator[str]:
    """Whatever lies beside the parts of an export."""
    for path in sorted(folder.iterdir()):
        known = path.name in {FILES, SIGNATURE, CARD, MANIFEST}
        other = path.name.startswith("model.") and path.name.endswith(".sig")
        if path.is_symlink():
            yield f"link: {path.name}"
        elif not known and not other:
            yield f"added: {path.name}"


def _found(files: Path) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    problems: list[str] = []
    for path in sorted(files.rglob("*")):
        inside = path.relative_to(files).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            problems.append(f"link: {inside}")
        elif path.is_file():
            found[inside] = _digest(path)
    return found, problems


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _manifest(folder: Path, signed: SignedFiles) -> tuple[dict[str, Any], list[str]]:
    """The manifest is not signed: it has to say what the signature says."""
    try:
        stated = json.loads(_text(folder / MANIFEST))
        listed = {entry["path"]: entry["sha256"] for entry in stated["files"]}
        card, tree = stated["card_sha256"], stated["tree_digest"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return {}, [f"{MANIFEST}: it is missing or malformed"]
    problems = []
    if stated.get("format") != FORMAT:
        problems.append(f"{MANIFEST}: it is no {FORMAT}")
    if listed != signed.files or len(stated["files"]) != len(listed):
        problems.append(f"changed: {MANIFEST} (it lists other files than were signed)")
    if tree != _tree_digest(stated["files"]):
        problems.append(f"changed: {MANIFEST} (its tree digest is not of its files)")
    present = (folder / CARD).is_file()
    if not present or _digest(folder / CARD) != card:
        problems.append(f"{'changed' if present else 'removed'}: {CARD}")
    return stated, problems


def _tree_digest(entries: list[dict[str, Any]]) -> str:
    """The digest of the canonical manifest; its order, form and sizes are part of it."""
    plain = [{key: entry.get(key) for key in ("path", "sha256", "size")} for entry in entries]
    return sha256(canonical_bytes({"files": plain})).hexdigest()


def _text(path: Path) -> str:
    if path.is_file() and path.stat().st_size > MAX_MANIFEST_BYTES:
        raise SignatureInvalid("it is too large")
    return path.read_text(encoding="utf-8")
