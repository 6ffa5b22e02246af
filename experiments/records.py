"""What the tracking server says of a run, as a row is kept: bounded, finite, without NUL."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import orjson
from django.utils import timezone

from experiments.choices import RunLifecycle, RunStatus
from experiments.models import Run
from hokusai.tracking import RunRecord
from registry.models import TrackedExperiment

NAME_LENGTH, USER_LENGTH = 500, 300
# The end of the year 9999; MLflow takes any number.
LATEST_MS = 253_402_300_799_000


def as_row(experiment: TrackedExperiment, record: RunRecord) -> Run:
    """A row that is not saved. `digest` is equal for equal records."""
    lifecycle = record.lifecycle
    return Run(
        experiment=experiment,
        run_id=record.run_id,
        name=_text(record.name)[:NAME_LENGTH],
        status=_status(record.status),
        user=_text(record.user)[:USER_LENGTH],
        started_at=_moment(record.started_at_ms),
        ended_at=None if record.ended_at_ms is None else _moment(record.ended_at_ms),
        metrics={_text(k): v for k, v in record.metrics.items() if math.isfinite(v)},
        parameters=_texts(record.parameters),
        tags=_texts(record.tags),
        lifecycle=lifecycle if lifecycle in RunLifecycle.values else RunLifecycle.ACTIVE,
        digest=_digest(record),
        seen_at=timezone.now(),
    )


def _digest(record: RunRecord) -> str:
    return hashlib.sha256(orjson.dumps(asdict(record), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _status(status: str) -> RunStatus:
    found = status.lower()
    return RunStatus(found) if found in RunStatus.values else RunStatus.UNKNOWN


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(unix_ms, 0), LATEST_MS) / 1000, UTC)


def _texts(pairs: Mapping[str, str]) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in pairs.items()}


def _text(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    return text.replace("\x00", "")
