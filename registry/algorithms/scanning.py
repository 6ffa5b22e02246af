"""A scan of a model's files before anyone loads them: it parses, and never unpickles or imports.

The verdict informs the one who promotes; isolation protects the one who serves. A file that a
scanner cannot read is a finding, never a pass.
"""

import io
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import IO, Final

from registry.algorithms.archives import Archive, ArchiveRefused, Member, is_zip
from registry.algorithms.findings import Finding, Ledger, ScanLimits, ScanStopped, Severity, Verdict
from registry.algorithms.scan_mlmodel import scan_mlmodel
from registry.algorithms.scan_onnx import is_onnx, scan_onnx
from registry.algorithms.scan_pickles import File, scan_stream
from registry.algorithms.scan_skops import scan_skops

__all__ = ["Finding", "ScanLimits", "ScanReport", "scan"]

RULES: Final = "1"
SPOOL_BYTES: Final = 8 * 1024**2
_NATIVE: Final = (
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Mach-O or Java"),
)
_CODE_SUFFIXES: Final = frozenset(
    {".py", ".pyc", ".pyd", ".sh", ".bash", ".bat", ".ps1", ".js", ".jar", ".so", ".dll", ".dylib"}
)
# A layer of Keras, and operators of TensorFlow, that run or read what they like.
_MARKERS: Final = (
    (b'"class_name": "Lambda"', "a Keras Lambda layer runs its own code"),
    (b'"class_name":"Lambda"', "a Keras Lambda layer runs its own code"),
    (b"PyFunc", "a TensorFlow graph calls Python"),
    (b"ReadFile", "a TensorFlow graph reads files"),
    (b"WriteFile", "a TensorFlow graph writes files"),
)
_MARKED_SUFFIXES: Final = frozenset({".h5", ".hdf5", ".keras", ".pb", ".json"})
_PACKAGES: Final = ("picklescan", "onnx", "numpy", "protobuf")


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What was found, and by which versions: a later scanner may know more."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    versions: dict[str, str]
    file_count: int

    def as_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "verdict": self.verdict,
            "findings": [found.as_dict() for found in self.findings],
            "versions": self.versions,
            "file_count": self.file_count,
        }


def scan(folder: Path, *, limits: ScanLimits | None = None) -> ScanReport:
    """Scan every file of an artifact.

    Raises OSError where the folder itself cannot be read.
    """
    ledger, seen = Ledger(limits or ScanLimits()), 0
    try:
        for name, path in _files(folder, ledger):
            seen += 1
            ledger.check_time()
            _scan_file(path, name, folder, ledger)
    except ScanStopped:
        ledger.unreadable("", f"the scan stopped after {ledger.limits.max_seconds:g} seconds")
    if not seen:
        ledger.unreadable("", "there are no files")
    order = {"dangerous": 0, "suspicious": 1, "info": 2}
    found = sorted(ledger.findings, key=lambda item: (order[item.severity], item.path, item.kind))
    versions = {name: version(name) for name in _PACKAGES} | {"rules": RULES}
    return ScanReport(ledger.verdict, tuple(found), versions, seen)


def _files(folder: Path, ledger: Ledger) -> Iterator[tuple[str, Path]]:
    for count, path in enumerate(sorted(folder.rglob("*"))):
        name = path.relative_to(folder).as_posix()
        if count >= ledger.limits.max_files:
            ledger.unreadable("", f"there are more than {ledger.limits.max_files} files")
            return
        if path.is_symlink():
            ledger.add(name, "link", "a link may lead out of the folder", "dangerous")
        elif path.is_file():
            yield name, path
        elif not path.is_dir():
            ledger.add(name, "special-file", "it is neither a file nor a folder", "dangerous")


def _scan_file(path: Path, name: str, folder: Path, ledger: Ledger) -> None:
    try:
        with path.open("rb") as source:
            _scan_code(source, name, ledger)
            _scan_markers(source, name, ledger)
            scan_stream(File(source, name, path.suffix.lower(), path.stat().st_size), ledger)
        if path.name == "MLmodel":
            for other in scan_mlmodel(path, name, ledger):
                if not is_onnx(other):
                    scan_onnx(other, other.relative_to(folder).as_posix(), folder, ledger)
        if is_onnx(path):
            scan_onnx(path, name, folder, ledger)
        _scan_containers(path, name, ledger)
    except OSError as error:
        ledger.unreadable(name, f"it cannot be read: {error}")


def _scan_containers(path: Path, name: str, ledger: Ledger) -> None:
    if is_zip(path):
        _scan_zip(path, name, ledger)
    elif path.suffix.lower() in {".skops", ".npz", ".zip", ".keras"}:
        ledger.unreadable(name, "it is named as an archive and is none")
    elif tarfile.is_tarfile(path):
        _scan_tar(path, name, ledger)


def _scan_code(source: IO[bytes], name: str, ledger: Ledger) -> None:
    head = source.read(4096)
    source.seek(0)
    native = next((label for magic, label in _NATIVE if head.startswith(magic)), "")
    if head.startswith(b"MZ") and b"PE\x00\x00" in head:
        native = "PE"
    if native:
        ledger.add(name, "native-code", f"it is a program or a library ({native})", "dangerous")
    elif head.startswith(b"#!"):
        ledger.add(name, "script", "it is a script", "suspicious")
    elif PurePosixPath(name).suffix.lower() in _CODE_SUFFIXES:
        ledger.add(name, "code", "it is code that comes with the model", "suspicious")


def _scan_markers(source: IO[bytes], name: str, ledger: Ledger) -> None:
    """Search the formats of Keras and TensorFlow, whose code hides in plain text."""
    if PurePosixPath(name).suffix.lower() not in _MARKED_SUFFIXES:
        return
    overlap = max(len(marker) for marker, _ in _MARKERS)
    tail = b""
    while chunk := source.read(1024 * 1024):
        ledger.check_time()
        for marker, detail in _MARKERS:
            if marker in tail + chunk and _concerns(marker, name):
                ledger.add(name, "framework-code", detail, "suspicious")
        tail = chunk[-overlap:]
    source.seek(0)


def _concerns(marker: bytes, name: str) -> bool:
    return name.endswith(".pb") is (not marker.startswith(b'"'))


def _scan_zip(path: Path, name: str, ledger: Ledger) -> None:
    try:
        with Archive(path) as archive:
            for member in archive.members:
                _check_place(member.name, name, ledger)
                _scan_member(archive, member, name, ledger)
            if path.suffix.lower() == ".skops":
                scan_skops(archive, name, ledger)
    except ArchiveRefused as error:
        ledger.add(name, "archive", str(error), _archive_severity(error))


def _archive_severity(error: ArchiveRefused) -> Severity:
    return "dangerous" if "unpack" in str(error).lower() else "suspicious"


def _scan_member(archive: Archive, member: Member, name: str, ledger: Ledger) -> None:
    """Look at the beginning of a member, up to what a pickle may have."""
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as content:
        for chunk in archive.stream(member.name):
            ledger.check_time()
            if content.tell() + len(chunk) > ledger.limits.max_pickle_bytes:
                break
            content.write(chunk)
        _scan_content(content, f"{name}:{member.name}", member.size_bytes, ledger)


def _scan_content(content: IO[bytes], inside: str, size_bytes: int, ledger: Ledger) -> None:
    content.seek(0)
    _scan_code(content, inside, ledger)
    _scan_markers(content, inside, ledger)
    suffix = PurePosixPath(inside).suffix.lower()
    scan_stream(File(content, inside, suffix, size_bytes), ledger)


def _scan_tar(path: Path, name: str, ledger: Ledger) -> None:
    """Members are read through the archive and never written."""
    try:
        with tarfile.open(path) as archive:
            for count, member in enumerate(archive):
                ledger.check_time()
                _check_place(member.name, name, ledger)
                if count > ledger.limits.max_files:
                    ledger.unreadable(name, "the archive has too many members")
                    return
                source = archive.extractfile(member) if member.isreg() else None
                if source is None:
                    continue
                content = io.BytesIO(source.read(ledger.limits.max_pickle_bytes))
                _scan_content(content, f"{name}:{member.name}", member.size, ledger)
    except (tarfile.TarError, EOFError, ValueError) as error:
        ledger.unreadable(name, f"the archive cannot be read: {error}")


def _check_place(member: str, name: str, ledger: Ledger) -> None:
    steps = member.replace("\\", "/").split("/")
    if member.startswith(("/", "\\")) or ".." in steps or ":" in steps[0]:
        ledger.add(name, "archive-path", f"{member!r} leaves the folder", "dangerous")
