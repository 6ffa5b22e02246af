"""How one load is measured, and how sides take turns."""

import http.client
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import cpu, load
from bench.sides import Sides

# Below this share of the busier worker's CPU time the other one was hardly used.
EVEN = 0.4
TRIES = 2


@dataclass(frozen=True)
class Result:
    """One line of the table; `ratio` above 1 is in our favour."""

    ours: float
    peer: float
    ratio: float
    unit: str
    note: str


@dataclass(frozen=True)
class Measured:
    """What one load showed; CPU seconds are those of every process of the side."""

    per_second: float
    per_cpu_s: float
    p50_ms: float
    p99_ms: float
    even: bool = True


@dataclass(frozen=True)
class Asked:
    """A load on one server, and whose CPU time it costs. `spread_over`: a server with workers."""

    load: load.Load
    pids: list[int | None]
    spread_over: str = ""


@dataclass(frozen=True)
class Turns:
    """Sides that take turns, so that whatever else the machine does meets all of them."""

    sides: Sides
    rounds: int

    def measure(self, asked: Mapping[str, Asked]) -> dict[str, Measured]:
        """Medians over rounds in which each side is measured once; the first round only warms.

        A sample in which one worker did nearly all the work is taken again.
        """
        seen: dict[str, list[Measured]] = {name: [] for name in asked}
        for _ in range(self.rounds + 1):
            for name, one in asked.items():
                seen[name].append(self._sample(one))
        return {name: median(values[1:]) for name, values in seen.items()}

    def _sample(self, one: Asked) -> Measured:
        samples = []
        for _ in range(TRIES):
            samples.append(self._once(one))
            if samples[-1].even:
                break
        return max(samples, key=lambda sample: (sample.even, sample.per_second))

    def _once(self, one: Asked) -> Measured:
        before = cpu.cpu_s(one.pids)
        workers = self.sides.workers_of(one.spread_over) if one.spread_over else {}
        outcome = load.run(one.load)
        spent = cpu.cpu_s(one.pids) - before
        even = self._even(one, workers)
        return Measured(
            outcome.per_second, outcome.requests / spent, outcome.p50_ms, outcome.p99_ms, even
        )

    def _even(self, one: Asked, before: Mapping[int, float]) -> bool:
        if not one.spread_over:
            return True
        after = self.sides.workers_of(one.spread_over)
        used = sorted((after[pid] - before.get(pid, 0.0) for pid in after), reverse=True)
        return len(used) > 1 and used[1] >= EVEN * used[0]


def median(values: list[Measured]) -> Measured:
    """The median of each figure by itself."""
    return Measured(
        statistics.median(one.per_second for one in values),
        statistics.median(one.per_cpu_s for one in values),
        statistics.median(one.p50_ms for one in values),
        statistics.median(one.p99_ms for one in values),
        all(one.even for one in values),
    )


def ask(one: load.Load) -> dict[str, Any]:
    """One request of a load, and its answer."""
    connection = http.client.HTTPConnection(one.url.removeprefix("http://"), timeout=30)
    connection.request(one.method, one.paths[0], one.body, dict(one.headers))
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    if reply.status != http.client.OK:
        raise RuntimeError(f"{one.url}{one.paths[0]}: {reply.status} {text!r}")
    answer: dict[str, Any] = json.loads(text)
    return answer


def result(ours: float, peer: float, unit: str, note: str) -> Result:
    """A line of the table, where more is better."""
    return Result(round(ours, 1), round(peer, 1), round(ours / peer, 2), unit, note)
