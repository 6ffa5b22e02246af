"""Repeating a stored verdict from the rows and the outcomes that were kept."""

from dataclasses import dataclass
from typing import Any

from experiments.algorithms.commitments import salted_root
from experiments.algorithms.decision import Decision
from experiments.benchmark_rows import rows_of
from experiments.choices import Split
from experiments.deciding import verdict
from experiments.exceptions import Undecidable
from experiments.models import Comparison, Evaluation
from experiments.outcomes import outcome_lines, read_outcomes


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What rows and outcomes say again: the decision, the salted root of each role's outcomes, the
    evidence of each metric, and the credit line where there is a control.
    """

    decision: Decision
    roots: dict[str, str]
    evidence: dict[str, dict[str, Any]]
    credit: dict[str, Any] | None


def recomputed(comparison: Comparison, split: str = Split.SCREENING) -> Recomputed:
    """Decide again, from the content store alone.

    Raises Undecidable where there is nothing to decide from, ContentMissing, ContentDamaged.
    """
    side = Split(split)
    halves = {row.role: row for row in comparison.evaluations.filter(split=side)}
    attempt = comparison.attempts.filter(split=side).first()
    if len(halves) < 2 or attempt is None:  # noqa: PLR2004
        raise Undecidable(f"{comparison} was not measured on the rows for {side}.")
    found = verdict(
        benchmark=comparison.benchmark,
        split=side,
        number=attempt.number,
        rows=rows_of(comparison.benchmark, side),
        outcomes={role: read_outcomes(row) for role, row in halves.items()},
    )
    roots = {role: _root(row) for role, row in halves.items()}
    return Recomputed(found.decision, roots, found.evidence, found.credit)


def _root(evaluation: Evaluation) -> str:
    secret = bytes.fromhex(evaluation.outcomes_secret)
    return salted_root(outcome_lines(evaluation), secret).hex()
