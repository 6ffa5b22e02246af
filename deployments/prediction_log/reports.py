"""What the log tells of a deployment: numbers over time, and the latest predictions."""

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import F

from deployments.log_models import PredictionLog
from deployments.models import Deployment

MAX_BUCKETS: Final = 1_000
# Times are counted in steps of about 5 %, so a percentile is known to within 2.5 %.
STEPS: Final = 20
SHORTEST_MS: Final = 0.001
# Reads the index `predictionlog_seen` alone.
_SERIES: Final = """
SELECT width_bucket(date_part('epoch', at), %(since)s, %(until)s, %(buckets)s) - 1,
    floor(ln(greatest(total_ms, %(shortest)s)::float8) * %(steps)s)::int,
    status >= 400,
    sum(weight::float8)
FROM deployments_predictionlog
WHERE deployment_id = %(deployment)s
    AND at >= to_timestamp(%(since)s) AND at < to_timestamp(%(until)s)
GROUP BY 1, 2, 3
"""
Steps = dict[int, float]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of the time. `at`: its beginning; times are of answers, None where there was none.

    Requests and errors are estimates where the deployment is sampled.
    """

    at: datetime
    requests: float
    errors: float
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Logged:
    """One prediction without what was asked and answered."""

    id: int
    at: datetime
    request_id: str
    key_id: str
    revision: int
    version: int
    status: int
    code: str
    rows: int
    total_ms: float
    model_ms: float
    cached: bool


def series(deployment: Deployment, since: datetime, until: datetime, buckets: int) -> list[Bucket]:
    """The time from `since` until before `until` in equal parts, also those without a request.

    Raises ValueError for no time, and for more than MAX_BUCKETS parts.
    """
    if since >= until or not 1 <= buckets <= MAX_BUCKETS:
        raise ValueError(f"Ask for 1 to {MAX_BUCKETS} parts of a time that ends after it begins.")
    answered: dict[int, Steps] = defaultdict(dict)
    errors: dict[int, float] = defaultdict(float)
    for place, step, failed, weight in _counted(deployment, since, until, buckets):
        # The last moment of the last part may be rounded out of it.
        part = min(place, buckets - 1)
        if failed:
            errors[part] += weight
        else:
            answered[part][step] = answered[part].get(step, 0.0) + weight
    width = (until - since) / buckets
    return [
        Bucket(
            since + place * width,
            sum(answered[place].values()) + errors[place],
            errors[place],
            percentile(answered[place], 0.50),
            percentile(answered[place], 0.95),
        )
        for place in range(buckets)
    ]


def percentile(steps: Steps, part: float) -> float | None:
    """The time in ms below which a part of the weight lies; `steps`: weight by step."""
    wanted, below = part * sum(steps.values()), 0.0
    for step in sorted(steps):
        below += steps[step]
        if below >= wanted:
            return math.exp((step + 0.5) / STEPS)
    return None


def recent(deployment: Deployment, limit: int, *, only_errors: bool = False) -> list[Logged]:
    """The latest predictions, newest first."""
    rows = PredictionLog.objects.filter(deployment=deployment)
    if only_errors:
        rows = rows.failed()
    names = [name for name in Logged.__slots__ if name not in ("revision", "version")]
    found = rows.order_by("-at", "-id").values_list(
        *names, F("revision__number"), F("revision__version__number")
    )
    return [
        Logged(**dict(zip(names, row, strict=False)), revision=row[-2], version=row[-1])
        for row in found[:limit]
    ]


def _counted(
    deployment: Deployment, since: datetime, until: datetime, buckets: int
) -> list[tuple[int, int, bool, float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SERIES,
            {
                "deployment": deployment.pk,
                "since": since.timestamp(),
                "until": until.timestamp(),
                "buckets": buckets,
                "shortest": SHORTEST_MS,
                "steps": STEPS,
            },
        )
        found: list[tuple[int, int, bool, float]] = cursor.fetchall()
    return found
