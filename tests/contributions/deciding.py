"""Comparisons that were really decided, on outcomes that no model had to be asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import transaction

from contributions.attesting import ask_for_attestation
from contributions.models import Contribution, Improvement
from experiments.attempts import open_attempt
from experiments.benchmark_rows import rows_of
from experiments.choices import EvaluationRole, Split
from experiments.deciding import Verdict, verdict
from experiments.models import Comparison, Confirmation
from experiments.outcomes import keep_outcomes
from experiments.results import stored
from tests.contributions.world import accepted
from tests.factories import (
    ContributionFactory,
    EvaluationFactory,
    ImprovementFactory,
    ShareFactory,
)
from tests.measuring import Bench

MILLION = 1_000_000
TIER = "A"
# Of a hundred rows, how many each side gets right.
RIGHT = {
    EvaluationRole.BASELINE: 60,
    EvaluationRole.CONTROL: 65,
    EvaluationRole.CANDIDATE: 80,
}


def outcomes(count: int, right: int) -> dict[str, npt.NDArray[np.int64]]:
    """Accuracy and log-loss of rows of which `right` of each hundred are answered well."""
    well = np.arange(count) % 100 < right
    loss = np.where(well, 100_000, 900_000) + np.arange(count) % 7
    return {
        "accuracy": (well * MILLION).astype(np.int64).reshape(-1, 1),
        "log_loss": loss.astype(np.int64).reshape(-1, 1),
    }


def decide(
    comparison: Comparison,
    split: Split = Split.SCREENING,
    right: Mapping[EvaluationRole, int] | None = None,
) -> Verdict:
    """Open the attempt, keep outcomes of baseline and candidate, and decide on them."""
    benchmark = comparison.benchmark
    roles = right or {role: RIGHT[role] for role in ("baseline", "candidate")}  # type: ignore[index]
    names = [benchmark.metric, *(item["metric"] for item in benchmark.guardrails)]
    rows = rows_of(benchmark, split)
    with transaction.atomic():
        attempt = open_attempt(comparison, split, 1)
    made = {
        role: {name: outcomes(len(rows), share)[name] for name in names}
        for role, share in roles.items()
    }
    for role, found in made.items():
        kept = keep_outcomes(found)
        EvaluationFactory(
            comparison=comparison,
            version=comparison.baseline if role == "baseline" else comparison.candidate,
            role=role,
            split=split,
            row_count=len(rows),
            outcomes_digest=kept.digest,
            outcomes_root=kept.root,
            outcomes_secret=kept.secret,
        )
    return verdict(
        benchmark=benchmark, split=split, number=attempt.number, rows=rows, outcomes=made
    )


def decided(of: Bench, **right: int) -> Comparison:
    """An accepted comparison of two versions, decided on the rows of the bench."""
    comparison = accepted(of)
    roles = {EvaluationRole(role): share for role, share in right.items()}
    found = decide(comparison, right=roles or None)
    assert found.decision.accepted, found.decision.sentence
    comparison.reason = found.decision.reason.value
    comparison.delta_ppm = found.decision.delta_ppm
    comparison.statistics = stored(found, TIER)
    comparison.save()
    return comparison


def confirmed(comparison: Comparison) -> Confirmation:
    """What the rows that were kept for it say of the same pair."""
    found = decide(comparison, Split.CONFIRMATION)
    made: Confirmation = Confirmation.objects.create(
        comparison=comparison,
        status="confirmed" if found.decision.accepted else "unconfirmed",
        delta_ppm=found.decision.delta_ppm,
        statistics=stored(found, TIER),
    )
    return made


def credited(comparison: Comparison, *points: int, **fields: Any) -> Improvement:
    """An improvement with shares of two people, or as many as there are `points`, not signed."""
    improvement: Improvement = ImprovementFactory(
        comparison=comparison,
        delta_ppm=comparison.delta_ppm,
        method="row-weights/1",
        payable_ppm=0,
        payable_reason="not-confirmed",
        **fields,
    )
    for share in points or (6_000, 4_000):
        given: Contribution = ContributionFactory(
            model=improvement.model, licence="MIT", dataset_version__row_count=100
        )
        ShareFactory(improvement=improvement, contribution=given, basis_points=share)
    with transaction.atomic():
        ask_for_attestation(improvement)
    return Improvement.objects.get(pk=improvement.pk)
