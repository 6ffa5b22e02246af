"""How the story is told in a terminal: one line per step, what was seen below it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hokusai.demo.client import StoryFailed

Say = Callable[[str], None]


class Teller:
    """Counts steps and prints what each one showed."""

    def __init__(self, say: Say, steps: int) -> None:
        self.say, self.steps, self._number = say, steps, 0
        self._started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step, with its seconds."""
        self._number += 1
        self.say(f"[{self._number}/{self.steps}] {title}")
        started = time.monotonic()
        yield
        self.say(f"      done in {time.monotonic() - started:.1f} s")

    def seen(self, line: str) -> None:
        """One thing that was seen."""
        self.say(f"      {line}")

    def holds(self, true: bool, line: str) -> None:
        """One thing that must be so. Raises StoryFailed where it is not."""
        if not true:
            raise StoryFailed(f"This does not hold: {line}.")
        self.say(f"      ✓ {line}")

    @property
    def seconds(self) -> float:
        """Since the first line."""
        return time.monotonic() - self._started
