"""All that led to an attribution, in one canonical file that anybody can check sums with."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contributions.credit import BILLION, Credit, Measured, points_of
from contributions.gifts import Gift
from contributions.models import Attribution
from experiments.models import Training
from hokusai.core.canonical import canonical_bytes
from hokusai.storage import stores

REPORT_TYPE = "urn:hokusai:attribution-report:v1"


def keep_report(
    attribution: Attribution,
    credit: Credit,
    training: Training | None,
    *,
    scores: Mapping[int, float],
    ownerless_rows: int,
) -> str:
    """Store the report; its sha256. `scores`: value of each coalition in the metric's unit."""
    comparison = attribution.credited.comparison
    benchmark = comparison.benchmark
    batches = attribution.batches.exclude(outcomes_digest="").order_by("number")
    report = {
        "type": REPORT_TYPE,
        "improvement": attribution.credited.public_id,
        "comparison": comparison.public_id,
        "benchmark": {"id": benchmark.public_id, "specDigest": benchmark.spec_digest},
        "metric": benchmark.metric,
        "alphaE9": round(benchmark.alpha * BILLION),
        "method": credit.method,
        "training": _training(training),
        "evaluations": credit.evaluations,
        "errorBoundE9": str(credit.error_bound),
        "reproduced": credit.reproduced,
        "persons": _persons(credit),
        "rows": [_rows(gift) for gift in credit.gifts],
        "ownerlessRows": ownerless_rows,
        "coalitions": [
            {"mask": hex(mask), "scoreE9": str(round(score * BILLION))}
            for mask, score in sorted(scores.items())
        ],
        "outcomes": list(batches.values_list("outcomes_digest", flat=True)),
    }
    return stores["default"].put(canonical_bytes(report))


def _training(training: Training | None) -> dict[str, Any] | None:
    if training is None:
        return None
    return {
        "id": training.public_id,
        "recipe": training.recipe,
        # A parameter may be a fraction, which a canonical file cannot hold.
        "parameters": json.dumps(training.parameters, sort_keys=True),
        "seed": str(training.seeds[0]),
    }


def _persons(credit: Credit) -> list[dict[str, Any]]:
    values: Sequence[Measured | None] = credit.values or [None] * len(credit.people)
    return [
        {
            "contributor": person.contributor.public_id,
            "address": person.address,
            "contributions": [gift.contribution.public_id for gift in person.gifts],
            "newRows": sum(len(gift.keys) for gift in person.gifts),
            "basisPoints": points,
            **_value(value),
        }
        for person, value, points in zip(credit.people, values, points_of(credit), strict=True)
    ]


def _value(value: Measured | None) -> dict[str, str | None]:
    if value is None:
        return {}
    return {
        "valueE9": str(value.value),
        "lowE9": None if value.low is None else str(value.low),
        "highE9": None if value.high is None else str(value.high),
    }


def _rows(gift: Gift) -> dict[str, Any]:
    return {
        "contribution": gift.contribution.public_id,
        "given": gift.rows,
        "new": len(gift.keys),
        "knownToTheBaseline": gift.baseline,
        "givenBefore": gift.given_before,
        "repeated": gift.repeated,
    }
