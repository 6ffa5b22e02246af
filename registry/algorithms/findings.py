"""What a scan finds, and the limits and the clock that every scanner keeps to."""

import time
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["info", "suspicious", "dangerous"]
Verdict: TypeAlias = Literal["clean", "suspicious", "dangerous"]

MAX_FINDINGS: Final = 500
MAX_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind`: a stable word such as "pickle" or "onnx-external-data"; `detail`: for readers."""

    path: str
    kind: str
    detail: str
    severity: Severity

    def as_dict(self) -> dict[str, str]:
        """As JSON."""
        return {
            "path": self.path,
            "kind": self.kind,
            "detail": self.detail,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Bounds of one scan: of its time, of what one parser is given, and of a pickle's opcodes."""

    max_seconds: float = 600.0
    max_files: int = 100_000
    max_pickle_bytes: int = 256 * 1024**2
    max_opcodes: int = 2_000_000
    max_onnx_bytes: int = 512 * 1024**2
    max_onnx_fields: int = 2_000_000
    max_array_bytes: int = 256 * 1024**2
    max_text_bytes: int = 16 * 1024**2


class ScanStopped(Exception):
    """The scan's time is over."""


@dataclass(slots=True)
class Ledger:
    """Collects findings, each once, until the time is over or there are too many."""

    limits: ScanLimits = field(default_factory=ScanLimits)
    findings: list[Finding] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def add(self, path: str, kind: str, detail: str, severity: Severity) -> None:
        """Note a finding; beyond MAX_FINDINGS only dangerous ones are kept."""
        found = Finding(path, kind, _printable(detail), severity)
        room = 2 * MAX_FINDINGS if severity == "dangerous" else MAX_FINDINGS
        if len(self.findings) < room and found not in self.findings:
            self.findings.append(found)

    def unreadable(self, path: str, detail: str) -> None:
        """What cannot be read is never passed."""
        self.add(path, "unreadable", detail, "suspicious")

    def check_time(self) -> None:
        """Raises ScanStopped once the scan has taken its time."""
        if time.monotonic() - self.started > self.limits.max_seconds:
            raise ScanStopped

    @property
    def verdict(self) -> Verdict:
        """The worst severity; facts for information leave a model clean."""
        severities = {found.severity for found in self.findings}
        if "dangerous" in severities:
            return "dangerous"
        return "suspicious" if "suspicious" in severities else "clean"


def _printable(text: str) -> str:
    plain = "".join(sign if sign.isprintable() else "�" for sign in text[: MAX_DETAIL + 1])
    return plain if len(plain) <= MAX_DETAIL else f"{plain[:MAX_DETAIL]}…"
