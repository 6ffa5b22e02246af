"""Whether holding requests back until others join them pays, as far as experience tells."""

from typing import Final

# Rows that are run together at most; a request of more runs alone.
MAX_ROWS: Final = 4096
# Up to this many rows a run costs about what one row costs.
FEW_ROWS: Final = 64
# How much one more observation moves an average.
WEIGHT: Final = 1 / 16
# One round in so many waits although it does not seem to pay: callers may have become quicker.
TRIAL_EVERY: Final = 64
MAX_TURN_NS: Final = 1_000_000_000
# However slow the model and large the budget: a child that does nothing for longer looks stuck.
MAX_WAIT_NS: Final = 20_000_000


class Pace:
    """What one child has learned of its model and its callers. Times are in nanoseconds.

    `fixed_ns`: what one run of the model costs whatever the rows; requests that are run together
    pay it once. `turn_ns`: how soon a caller that was answered asks again. With `budget_ns` 0
    nothing is ever held back.
    """

    def __init__(self, budget_ns: int) -> None:
        self.budget_ns = budget_ns
        self.fixed_ns = 0.0
        self.turn_ns = float(MAX_TURN_NS)
        self._rounds = 0

    def ran(self, rows: int, model_ns: int) -> None:
        """The model took `model_ns` for `rows` rows."""
        if rows <= FEW_ROWS:
            self.fixed_ns += (model_ns - self.fixed_ns) * (WEIGHT if self.fixed_ns else 1)

    def asked_again(self, after_ns: int) -> None:
        """A caller asked again so long after its last answer.

        Who asked while the model ran was seen late: shorter times count at once, longer ones
        slowly.
        """
        if after_ns < self.turn_ns:
            self.turn_ns = float(after_ns)
        elif after_ns < MAX_TURN_NS:
            self.turn_ns += (after_ns - self.turn_ns) * WEIGHT

    def horizon_ns(self) -> float:
        """Callers that were answered longer ago than this are not expected back now."""
        return min(2 * self.turn_ns, self.fixed_ns)

    def promising(self) -> bool:
        """Whether to look at the callers at all: a run costs more than waiting for one."""
        self._rounds += 1
        return self.turn_ns < self.fixed_ns or self._trial()

    def wait_ns(self, in_hand: int, expected: int) -> int:
        """How long to hold `in_hand` requests back when `expected` callers may ask soon; 0: no.

        Waiting delays those in hand by a turn, and spares each newcomer the rest of a run of its
        own. It never takes longer than the budget or the run that it saves.
        """
        if not expected:
            return 0
        saved = expected * (self.fixed_ns - self.turn_ns)
        if in_hand * self.turn_ns >= saved and not self._trial():
            return 0
        return int(min(self.budget_ns, self.horizon_ns(), MAX_WAIT_NS))

    def _trial(self) -> bool:
        return not self._rounds % TRIAL_EVERY
