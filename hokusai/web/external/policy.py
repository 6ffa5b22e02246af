from dataclasses import dataclass

from django.conf import settings

LONGEST_FRESH_S = 60.0
LONGEST_STALE_S = 300.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Where the service is and how far its answers carry; times in seconds."""

    url: str
    token: str = ""
    timeout_s: float = 0.3
    # A valid token is asked about again after `fresh_s`; without an answer it lasts `stale_s` more.
    fresh_s: float = LONGEST_FRESH_S
    stale_s: float = LONGEST_STALE_S
    # How old an answer may be for a request that writes.
    write_s: float = 5.0
    # A token that is not valid is refused without asking for between these.
    denied_s: tuple[float, float] = (5.0, 10.0)
    kept_max: int = 10_000
    denied_max: int = 10_000
    # Questions that one address may cause per minute with tokens nobody knows.
    asks_per_minute: int = 120
    rate_per_minute: int = 6000
    # After so many failures in a row nobody is asked for `pause_s`.
    failures: int = 5
    pause_s: float = 5.0
    calls_at_once: int = 8
    calls_open: int = 64


def stated_policy() -> Policy:
    """The policy of the settings."""
    return Policy(
        url=settings.AUTH_SERVICE_URL,
        token=settings.AUTH_SERVICE_TOKEN,
        timeout_s=settings.AUTH_SERVICE_TIMEOUT_S,
        fresh_s=min(settings.AUTH_SERVICE_CACHE_S, LONGEST_FRESH_S),
        stale_s=min(settings.AUTH_SERVICE_STALE_S, LONGEST_STALE_S),
        kept_max=settings.AUTH_SERVICE_CACHE_MAX,
        denied_max=settings.AUTH_SERVICE_DENIED_MAX,
        asks_per_minute=settings.AUTH_SERVICE_ASKS_PER_MINUTE,
        rate_per_minute=settings.AUTH_SERVICE_RATE_PER_MINUTE,
    )
