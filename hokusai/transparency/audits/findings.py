"""What an audit checked and what it found."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

NAMED = 20


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`checked`: how many of what; `differences`: the first ones in words; `found`: how many."""

    checked: dict[str, int]
    differences: tuple[str, ...]
    found: int

    @property
    def holds(self) -> bool:
        """Whether everything is as it was computed."""
        return not self.found

    def lines(self) -> list[str]:
        """The report in words."""
        counted = [f"{count:,} {what} checked" for what, count in self.checked.items()]
        unnamed = self.found - len(self.differences)
        more = [f"and {unnamed:,} more differences"] if unnamed else []
        verdict = "everything holds" if self.holds else f"{self.found:,} differences"
        return [*counted, *self.differences, *more, verdict]

    def as_json(self) -> dict[str, Any]:
        """The report as an event carries it."""
        return {
            "holds": self.holds,
            "checked": self.checked,
            "differences": list(self.differences),
            "found": self.found,
        }


class Findings:
    """Collects; only the first differences are kept in words."""

    def __init__(self) -> None:
        self._checked: Counter[str] = Counter()
        self._differences: list[str] = []
        self._found = 0

    def checked(self, what: str, count: int = 1) -> None:
        """Count what was looked at, whatever came of it."""
        self._checked[what] += count

    def differs(self, text: str) -> None:
        """Something is not as it was computed."""
        self._found += 1
        if len(self._differences) < NAMED:
            self._differences.append(text)

    def expect(self, holds: bool, text: str) -> None:
        """Say what differs unless it holds."""
        if not holds:
            self.differs(text)

    def report(self) -> AuditReport:
        """What was found so far."""
        return AuditReport(dict(self._checked), tuple(self._differences), self._found)
