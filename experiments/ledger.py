"""The ledger of attempts as stewards read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.attempts import ledger_of
from experiments.choices import Split
from experiments.models import Attempt, Benchmark, Comparison

MOST_ATTEMPTS = 1_000


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt: its level in billionths, who asked, what came of it, where it is logged.

    `log_index` is None until the sequencer gave it a place.
    """

    number: int
    split: str
    alpha_e9: int
    comparison: Comparison
    comparison_id: str
    label: str
    requested_by: str
    result: str
    record_id: str
    record_digest: str
    previous: str
    log_index: int | None
    created_at: datetime


def ledger(
    benchmark: Benchmark, splits: Sequence[str] = tuple(Split), most: int = MOST_ATTEMPTS
) -> list[AttemptLine]:
    """Attempts against a benchmark's rows, or rows that it shares, newest first in each split."""
    return [line for split in splits for line in _of_split(benchmark, Split(split), most)]


def _of_split(benchmark: Benchmark, split: Split, most: int) -> list[AttemptLine]:
    attempts = ledger_of(benchmark, split).select_related(
        "record__leaf",
        "comparison__requested_by",
        "comparison__benchmark__project",
        "comparison__baseline",
        "comparison__candidate__model",
        "comparison__confirmation",
    )
    rows = attempts.defer("comparison__statistics", "comparison__confirmation__statistics")
    return [_line(attempt) for attempt in rows[:most]]


def _line(attempt: Attempt) -> AttemptLine:
    comparison, record = attempt.comparison, attempt.record
    leaf = getattr(record, "leaf", None)
    return AttemptLine(
        number=attempt.number,
        split=attempt.split,
        alpha_e9=attempt.alpha_e9,
        comparison=comparison,
        comparison_id=comparison.public_id,
        label=str(comparison),
        requested_by=comparison.requested_by.username,
        result=_result(attempt),
        record_id=record.public_id,
        record_digest=record.digest,
        previous=record.previous,
        log_index=None if leaf is None else leaf.index,
        created_at=attempt.created_at,
    )


def _result(attempt: Attempt) -> str:
    if attempt.split == Split.SCREENING:
        return str(attempt.comparison.status)
    confirmation = getattr(attempt.comparison, "confirmation", None)
    return "" if confirmation is None else str(confirmation.status)
