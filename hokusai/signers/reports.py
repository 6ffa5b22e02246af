"""Reads for pages about keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from hokusai.core.models import Job
from hokusai.signers.choices import KeyState
from hokusai.signers.models import SigningKey
from hokusai.signers.signatures import Signed, signature_log

ROTATION = "key_rotation"
# Beyond the present, so that a key without an end is seen to go on.
AHEAD = timedelta(days=1)
KEYS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Span:
    """When one key may sign, in percent of the time shown."""

    key: SigningKey
    state: KeyState
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Validity:
    """The keys of one purpose in time: `now` in percent between `begins` and `ends`."""

    begins: datetime
    ends: datetime
    now: float
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a key vouches for: leaves of the log, and what it signed in it, by kind."""

    log_size: int
    signed: Sequence[Signed]
    void: Sequence[Signed]


def state_now(key: SigningKey) -> KeyState:
    """Where a key stands at this moment."""
    return key.state_at(timezone.now())


def validity_of(purpose: str) -> Validity:
    """The newest keys of a purpose, each from its first to its last moment."""
    now = timezone.now()
    keys = list(SigningKey.objects.of(purpose)[:KEYS_SHOWN])
    begins = min((key.valid_from for key in keys), default=now)
    known = [at for key in keys for at in (key.valid_from, key.valid_until) if at]
    latest = max([now, *known])
    ends = latest + max((latest - begins) / 10, AHEAD)
    return Validity(
        begins=begins,
        ends=ends,
        now=_percent(now, begins, ends),
        spans=[_span(key, now, begins, ends) for key in keys],
    )


def reach_of(key: SigningKey) -> Reach:
    """What a key signed in the log, and what of it counts no more."""
    log = signature_log()
    first = key.compromised_from_index
    return Reach(
        log_size=log.size(),
        signed=log.signed_by(key.key_id),
        void=[] if first is None else log.signed_by(key.key_id, first),
    )


def last_rotation(purpose: str) -> Job | None:
    """The last time that a new key of a purpose was asked for; None for never."""
    return Job.objects.filter(kind=ROTATION, subject=purpose).first()


def _span(key: SigningKey, now: datetime, begins: datetime, ends: datetime) -> Span:
    stops = key.compromised_at or key.valid_until or ends
    start = _percent(key.valid_from, begins, ends)
    width = max(_percent(stops, begins, ends) - start, 0.0)
    return Span(key=key, state=key.state_at(now), start=start, width=round(width, 2))


def _percent(at: datetime, begins: datetime, ends: datetime) -> float:
    return round(100 * ((at - begins) / (ends - begins)), 2)
