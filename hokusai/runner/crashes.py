"""How often a served key crashed, and how long it is left alone for that."""

from dataclasses import dataclass

from hokusai.runner.errors import RunnerError


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of supervision, in seconds.

    `first_s`, `longest_s`: the pause after a first crash, which doubles, and where that ends.
    `healthy_s`: after how long a life a crash counts as the first again. `patience_s`: how long
    callers are left waiting for the end of a pause, `loading_s`: for a model that is being loaded,
    before they hear when to come back. `sweep_s`: how often idle children are looked for.
    """

    first_s: float = 0.1
    longest_s: float = 30.0
    healthy_s: float = 60.0
    patience_s: float = 0.25
    loading_s: float = 1.0
    sweep_s: float = 0.5

    def pause_s(self, crashes: int) -> float:
        """The pause after so many crashes in a row."""
        return float(min(self.longest_s, self.first_s * 2.0 ** min(crashes - 1, 32)))


class Crashes:
    """The crashes of one key. Times are of `time.monotonic`."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._in_a_row = 0
        self._until = 0.0
        self._ended_at = 0.0
        self.restarts = 0
        self.cause: RunnerError | None = None
        self.last_error = ""

    def crashed(self, cause: RunnerError, now: float, *, lived_s: float) -> None:
        """A child ended by itself, or could not be started, after `lived_s` of health."""
        self._in_a_row = 1 if lived_s >= self._pace.healthy_s else self._in_a_row + 1
        self._until = now + self._pace.pause_s(self._in_a_row)
        self._ended_at = now
        self.cause = cause
        self.last_error = cause.message

    def rested(self, now: float) -> None:
        """A child was ended on purpose; whoever meant to ask it may ask the next."""
        self._ended_at = now
        self.cause = None

    def started(self) -> None:
        """A child is there. Only one that follows a crash is a restart."""
        if self._until:
            self.restarts += 1
            self._until = 0.0

    def left_s(self, now: float) -> float:
        """What is left of the pause; 0 where there is none."""
        return max(0.0, self._until - now)

    def ended_since(self, since: float) -> bool:
        """Whether a child ended after `since`, by itself or on purpose."""
        return self._ended_at > since
