"""Who a token stands for: from memory, from Redis, from the service, in this order."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from functools import cache

import redis
import structlog
from prometheus_client import Counter

from hokusai.web import counters
from hokusai.web.external import shared
from hokusai.web.external.breaker import Breaker
from hokusai.web.external.flights import Flights
from hokusai.web.external.grants import identity_of
from hokusai.web.external.memory import Kept
from hokusai.web.external.policy import Policy, stated_policy
from hokusai.web.external.problems import IdentityUnknown, IntrospectionFailed
from hokusai.web.external.service import introspect
from hokusai.web.external.verdicts import Identity, Verdict, early, token_key
from hokusai.web.problems import TooManyRequests

log = structlog.get_logger(__name__)
ASKED = Counter(
    "hokusai_auth_service_asked_total", "Questions to the authentication service", ["outcome"]
)
STALE = Counter(
    "hokusai_auth_service_stale_total",
    "Requests let in by an old answer because the authentication service gave none",
)
# Of an answer that came while Redis was down: it fits no epoch, so that it is asked for again.
NO_EPOCH = "?"
# What a waiting thread is given beyond the service's own time, to learn of its end.
GRACE_S = 0.05


@dataclass(frozen=True, slots=True)
class Known:
    """An identity, and whether only the service's silence keeps it in force."""

    identity: Identity
    stale: bool = False


@dataclass(frozen=True, slots=True)
class _Refreshed:
    verdict: Verdict
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Question:
    """What somebody waits for: a token, from where, the epoch in force, and what was kept."""

    key: str
    token: str
    address: str
    epoch: str | None
    kept: Identity | None
    # Then silence carries nobody, and no answer from before `since` does.
    writes: bool = False
    since: float = 0.0

    @property
    def flight(self) -> str:
        """One question of an epoch: one of another may have been answered before it was raised."""
        return f"{self.key}:{self.epoch}"

    def is_answered_by(self, newer: Identity | None) -> bool:
        """Whether another thread has kept the answer meanwhile."""
        if newer is None or self.epoch not in (None, newer.epoch):
            return False
        before = self.kept.asked_at if self.kept else 0.0
        return newer.asked_at > before and newer.asked_at >= self.since


class Directory:
    """Identities of one process. Thread-safe."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.breaker = Breaker(policy.failures, policy.pause_s)
        self._flights = Flights(policy.calls_at_once, policy.calls_open)
        self._identities: Kept[Identity] = Kept(policy.kept_max)
        self._denied: Kept[bool] = Kept(policy.denied_max)
        self._early: Kept[float] = Kept(policy.kept_max)
        # Answers that came ahead of time; the next request looks up who they mean here.
        self._refreshed: Kept[_Refreshed] = Kept(policy.kept_max)

    def identify(self, token: str, address: str, *, look_up: bool = True) -> Known | None:
        """Who a token stands for; None for one that is not valid, or of nobody here.

        `address` is the caller's, for the limit of questions. Without `look_up`, what memory keeps
        is not compared with the epoch in Redis: whoever asks so compares it.
        Raises IdentityUnknown, TooManyRequests.
        """
        key = token_key(token)
        if self._denied.get(key):
            return None
        kept, epoch = self._identities.get(key), None
        if kept is None or look_up:
            epoch, kept = self._looked_up(key, kept)
        now = time.time()
        if kept is not None and now < kept.ends(self.policy.fresh_s):
            return self._fresh(key, token, kept, now)
        return self._asked(_Question(key, token, address, epoch, kept))

    def confirm(self, token: str, address: str, known: Known) -> Known | None:
        """An identity whose answer is so young that it may write.

        Raises IdentityUnknown while the service does not answer, however young the last one is.
        """
        young = time.time() < known.identity.asked_at + self.policy.write_s
        if young and not known.stale and not self.breaker.shut:
            return known
        key = token_key(token)
        epoch, _ = self._looked_up(key, known.identity)
        since = time.time() - self.policy.write_s
        return self._asked(
            _Question(key, token, address, epoch, known.identity, writes=True, since=since)
        )

    def _looked_up(self, key: str, kept: Identity | None) -> tuple[str | None, Identity | None]:
        """The epoch in force and the younger of two identities, if it is of this epoch."""
        epoch, common = shared.read(key)
        if epoch is None:
            return None, kept
        if common is not None and (kept is None or common.asked_at > kept.asked_at):
            kept = common
            self._remember(key, common)
        if kept is not None and kept.epoch != epoch:
            self._identities.drop(key)
            return epoch, None
        return epoch, kept

    def _fresh(self, key: str, token: str, kept: Identity, now: float) -> Known | None:
        refreshed = self._refreshed.get(key)
        if refreshed is not None and refreshed.asked_at > kept.asked_at:
            self._refreshed.drop(key)
            return self._settled(key, refreshed.verdict, refreshed.asked_at, kept.epoch)
        due = self._early.get(key)
        if due is None:
            due = kept.asked_at + early(self.policy.fresh_s)
            self._early.put(key, due, now + self.policy.fresh_s)
        if now >= due:
            self._refresh(key, token, now)
        return Known(kept)

    def _refresh(self, key: str, token: str, asked_at: float) -> None:
        """Ask ahead of time; nobody waits for it."""
        name = f"{key}:ahead"
        joined = self._flights.join(name, self._asking(token), self.breaker.allows)
        if joined is None or not joined[1]:
            return

        def landed(future: Future[Verdict]) -> None:
            if self._heard(future) is not None:
                refreshed = _Refreshed(future.result(), asked_at)
                self._refreshed.put(key, refreshed, asked_at + self.policy.fresh_s)

        joined[0].add_done_callback(landed)
        self._flights.leave(name, joined[0])

    def _asked(self, question: _Question) -> Known | None:
        if question.kept is None and not self.breaker.shut:
            self._check_address(question.address)
        asked_at = time.time()
        joined = self._flights.join(
            question.flight, self._asking(question.token), lambda: self._may_ask(question)
        )
        if joined is None:
            return self._unasked(question)
        future, leads = joined
        try:
            verdict = self._awaited(future, leads)
            if verdict is None:
                return self._unanswered(question)
            epoch = NO_EPOCH if question.epoch is None else question.epoch
            return self._settled(question.key, verdict, asked_at, epoch)
        finally:
            if leads:
                self._flights.leave(question.flight, future)

    def _may_ask(self, question: _Question) -> bool:
        if question.is_answered_by(self._identities.get(question.key)):
            return False
        return self.breaker.allows()

    def _unasked(self, question: _Question) -> Known | None:
        """What another thread learned meanwhile, or what silence leaves."""
        newer = self._identities.get(question.key)
        if newer is not None and question.is_answered_by(newer):
            return Known(newer)
        return self._unanswered(question)

    def _awaited(self, future: Future[Verdict], leads: bool) -> Verdict | None:
        try:
            verdict = future.result(self.policy.timeout_s + GRACE_S)
        except IntrospectionFailed:
            verdict = None
        except Late:
            if leads:
                ASKED.labels("late").inc()
                self.breaker.failed()
            return None
        if leads:
            self._heard(future)
        return verdict

    def _heard(self, future: Future[Verdict]) -> Verdict | None:
        """The answer to a question that is over, told to the breaker; None for none."""
        error = future.exception()
        if error is None:
            self.breaker.succeeded()
            verdict = future.result()
            ASKED.labels("active" if verdict.active else "inactive").inc()
            return verdict
        self.breaker.failed()
        ASKED.labels("failed").inc()
        log.warning("authentication_service_failed", error=str(error))
        return None

    def _settled(self, key: str, verdict: Verdict, asked_at: float, epoch: str) -> Known | None:
        """Keep what an answer means, for all processes or, of a denial, for this one."""
        identity = None
        if verdict.active:
            identity = identity_of(verdict, asked_at=asked_at, epoch=epoch)
        if identity is None or identity.ended(time.time()):
            self._identities.drop(key)
            shared.drop(key)
            self._denied.put(key, True, time.time() + random.uniform(*self.policy.denied_s))  # noqa: S311
            return None
        self._remember(key, identity)
        shared.keep(key, identity, self._end_of(identity))
        return Known(identity)

    def _remember(self, key: str, identity: Identity) -> None:
        self._early.drop(key)
        self._identities.put(key, identity, self._end_of(identity))

    def _end_of(self, identity: Identity) -> float:
        return identity.ends(self.policy.fresh_s + self.policy.stale_s)

    def _unanswered(self, question: _Question) -> Known:
        """Who was valid before stays so for a while. Raises IdentityUnknown for others."""
        kept = question.kept
        if kept is None or question.writes or time.time() >= self._end_of(kept):
            raise IdentityUnknown(
                "The authentication service does not answer; try again.",
                retry_after_s=max(1, round(self.breaker.wait_s)),
            )
        STALE.inc()
        return Known(kept, stale=True)

    def _asking(self, token: str) -> Callable[[], Verdict]:
        return lambda: introspect(token, self.policy)

    def _check_address(self, address: str) -> None:
        """Raises TooManyRequests for an address that brings too many tokens nobody knows."""
        try:
            count = counters.increase(f"ext:ask:{token_key(address)[:32]}:{counters.window()}")
        except redis.RedisError as error:
            log.warning("rate_limit_unavailable", error=type(error).__name__)
            return
        if count > self.policy.asks_per_minute:
            wait_s = counters.wait_s()
            raise TooManyRequests(
                f"Too many unknown tokens from this address; try again in {wait_s} s.",
                retry_after_s=wait_s,
            )


def directory() -> Directory | None:
    """The directory of this process; None where no service is set."""
    policy = stated_policy()
    return _directory(policy) if policy.url else None


@cache
def _directory(policy: Policy) -> Directory:
    return Directory(policy)


def forget_all() -> None:
    """Begin with an empty directory."""
    _directory.cache_clear()
