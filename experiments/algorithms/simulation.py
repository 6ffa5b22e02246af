"""How often worthless candidates are accepted, and real gains found, when ledgers are played out.

A ledger is a family of attempts on the same rows. Candidates stand exactly at the boundary of H0:
their true gain is the margin. A ledger counts as a false accept when any of its attempts is
accepted; that may happen in at most a share alpha of them, however many attempts there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, betaincinv, ndtri

from experiments.algorithms.decision import Policy, decide
from experiments.algorithms.differences import sample_of
from experiments.algorithms.metrics.base import SCALE, Form
from experiments.algorithms.outcomes import PairedOutcomes, units_of
from experiments.algorithms.paired import Discordant, tango_lower
from experiments.algorithms.spending import alpha_for_attempt

ALPHA = 0.025
ATTEMPTS = 20
# Share of rows that a candidate wins, and as many that it loses.
WON = 0.05

Draw = Callable[[np.random.Generator], PairedOutcomes]


@dataclass(frozen=True, slots=True)
class Family:
    """Candidates at the boundary of H0. `margin` in millionths; `draw` makes one attempt."""

    name: str
    margin: int
    draw: Draw
    metric: str = "accuracy"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened, with Clopper and Pearson's 95 % interval (1934)."""

    happened: int
    of: int

    @property
    def share(self) -> float:
        """Observed share."""
        return self.happened / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Two-sided 95 % interval of the true share."""
        seen, rest = self.happened, self.of - self.happened
        low = float(betaincinv(seen, rest + 1, 0.025)) if seen else 0.0
        high = float(betaincinv(seen + 1, rest, 0.975)) if rest else 1.0
        return low, high

    def is_compatible_with_at_most(self, share: float, level: float = 0.001) -> bool:
        """Whether so many would not surprise at `level` if the true share were `share`."""
        return self.happened == 0 or 1 - float(bdtr(self.happened - 1, self.of, share)) > level


def hits(counts: Discordant) -> PairedOutcomes:
    """Return plain 0/1 outcomes with these counts."""
    baseline = np.zeros(counts.n, dtype=np.int64)
    candidate = baseline.copy()
    baseline[: counts.b] = candidate[counts.b : counts.b + counts.c] = SCALE
    return PairedOutcomes("accuracy", baseline, candidate)


def rows_family(n: int, disagreement: float, margin: float) -> Family:
    """Hits and misses of single rows, true gain at the margin."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        won, lost = (disagreement + margin) / 2, (disagreement - margin) / 2
        b, c, _ = source.multinomial(n, [lost, won, 1 - disagreement])
        return hits(Discordant(int(b), int(c), n))

    return Family(f"accuracy, {n} rows, margin {100 * margin:g} pp", round(margin * SCALE), draw)


def clustered_family(clusters: int) -> Family:
    """Hits and misses in clusters of 5 to 15 rows whose gains hang together, true gain zero."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        codes, shift = _clusters(source, clusters)
        lean = WON * np.sign(shift)[codes]
        kind = source.random(len(codes))
        baseline = (kind < WON - lean) * SCALE
        candidate = (kind > 1 - WON - lean) * SCALE
        return PairedOutcomes("accuracy", baseline, candidate, clusters=codes)

    return Family(f"accuracy, {clusters} clusters", 0, draw)


def weighted_family(n: int) -> Family:
    """Hits and misses of single rows with log-normal weights, true gain zero."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        kind = source.random(n)
        weights = source.lognormal(0.0, 0.7, n)
        baseline, candidate = (kind < 2 * WON) * SCALE, (kind > 1 - 2 * WON) * SCALE
        return PairedOutcomes("accuracy", baseline, candidate, weights=weights)

    return Family(f"accuracy, {n} weighted rows", 0, draw)


def continuous_family(n: int) -> Family:
    """Log-loss whose rare losses are large, which is what tests of a mean find hardest."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        baseline = source.exponential(0.5, n) + 1
        gain = 0.2 * (1 - source.exponential(1.0, n))
        return _losses(baseline, baseline - gain)

    return Family(f"log-loss, {n} rows", 0, draw, "log_loss")


def continuous_clustered_family(clusters: int) -> Family:
    """Log-loss in clusters of 5 to 15 rows that share half of the gain's variance."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        codes, shift = _clusters(source, clusters)
        baseline = source.exponential(0.5, len(codes)) + 1
        gain = 0.2 * (1 - source.exponential(1.0, len(codes))) + 0.2 * shift[codes]
        return _losses(baseline, baseline - gain, codes)

    return Family(f"log-loss, {clusters} clusters", 0, draw, "log_loss")


def auroc_family(n: int) -> Family:
    """AUROC of two equally good scores on rows of which a third is positive."""

    def draw(source: np.random.Generator) -> PairedOutcomes:
        label = (np.arange(n) < n // 3).astype(np.int64)
        shared = source.normal(size=n) + 1.5 * label
        sides = []
        for _ in range(2):
            places = np.argsort(np.argsort(shared + source.normal(size=n)))
            sides.append(np.column_stack([places, label]).astype(np.int64))
        return PairedOutcomes("auroc", sides[0], sides[1])

    return Family(f"AUROC, {n} rows", 0, draw, "auroc")


def all_families() -> tuple[Family, ...]:
    """The families of the full simulation."""
    return (
        rows_family(800, 0.1, 0.0),
        rows_family(2239, 0.1, 0.01),
        clustered_family(40),
        clustered_family(80),
        weighted_family(400),
        continuous_family(400),
        continuous_clustered_family(60),
        auroc_family(300),
    )


def play_ledgers(family: Family, ledgers: int, attempts: int, seed: int) -> Rate:
    """Return in how many ledgers any attempt was accepted."""
    source = np.random.default_rng(seed)
    policy = Policy(family.metric, margin=family.margin, minimum_gain=0, alpha=ALPHA)
    fallen = sum(any(_play(family, policy, attempts, source)) for _ in range(ledgers))
    return Rate(fallen, ledgers)


def find_gains(
    *, n: int, gain: float, disagreement: float, margin: float, attempt: int, tries: int, seed: int
) -> Rate:
    """Return how often a real gain of 0/1 outcomes is shown to exceed the margin."""
    source = np.random.default_rng(seed)
    alpha, found = alpha_for_attempt(ALPHA, attempt), 0
    shares = [(disagreement - gain) / 2, (disagreement + gain) / 2, 1 - disagreement]
    for b, c, _ in source.multinomial(n, shares, size=tries):
        found += tango_lower(Discordant(int(b), int(c), n), alpha) > margin
    return Rate(found, tries)


def _play(
    family: Family, policy: Policy, attempts: int, source: np.random.Generator
) -> Iterator[bool]:
    for attempt in range(1, attempts + 1):
        outcomes = family.draw(source)
        seed = int(source.integers(2**31))
        if is_hopeless(outcomes, family.margin, alpha_for_attempt(policy.alpha, attempt)):
            yield False
        else:
            yield decide(policy, attempt, {policy.metric: outcomes}, seed).accepted


def is_hopeless(outcomes: PairedOutcomes, margin: int, alpha: float) -> bool:
    """Whether no method accepts: spares most of the resampling at the boundary.

    The bound lies at least Student's quantile below the gain, which exceeds the normal's.
    """
    if outcomes.is_plain or outcomes.found.form == Form.RANKS:
        return False
    sample = sample_of(outcomes.found, units_of(outcomes))
    return sample.gain - margin / SCALE < -float(ndtri(alpha)) * sample.standard_error


def _clusters(
    source: np.random.Generator, clusters: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    sizes = source.integers(5, 16, clusters)
    return np.repeat(np.arange(clusters), sizes), source.normal(size=clusters)


def _losses(
    before: np.ndarray[tuple[int], np.dtype[np.float64]],
    after: np.ndarray[tuple[int], np.dtype[np.float64]],
    clusters: np.ndarray[tuple[int], np.dtype[np.intp]] | None = None,
) -> PairedOutcomes:
    sides = [np.rint(values * SCALE).astype(np.int64) for values in (before, after)]
    return PairedOutcomes("log_loss", sides[0], sides[1], clusters=clusters)
