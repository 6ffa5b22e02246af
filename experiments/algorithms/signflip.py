"""Sign-flip permutation test of a mean gain, and its inversion.

Where baseline and candidate are exchangeable in every unit, each unit's gain over the margin may as
well have the other sign (Fisher 1935; Pitman 1937). Up to `EXACT_UNITS` units all signs are tried;
above, ten thousand of them, and where fewer than `TAIL_COUNT` reach the observed sum, the
saddlepoint approximation of Robinson 1982 (JRSS B 44:91-101), by Lugannani and Rice 1980.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from experiments.algorithms.bootstrap import BootstrapError
from experiments.algorithms.differences import Sample
from experiments.algorithms.draws import BLOCK, block_bits
from experiments.algorithms.metrics.base import Floats, Form
from experiments.algorithms.resampling import RESAMPLES

EXACT_UNITS = 16
TAIL_COUNT = 10
BISECTIONS = 60
# Sums that differ by rounding alone are one sum.
SAME = 1e-9


@dataclass(frozen=True, slots=True)
class SignFlips:
    """Units' gains and weights, (N,) each, and the sums of both under every tried set of signs."""

    gains: Floats
    weights: Floats
    gain_sums: Floats
    weight_sums: Floats
    exact: bool

    @property
    def method(self) -> str:
        """Name of the method that bounds and p values come from."""
        return "sign-flip"

    @property
    def mean(self) -> float:
        """The gain in natural units."""
        return float(self.gains.sum() / self.weights.sum())

    def p_greater(self, margin: float) -> float:
        """Return the one-sided p of H0: every unit's gain is symmetric about at most the margin."""
        excess = self.gains - margin * self.weights
        flipped = self.gain_sums - margin * self.weight_sums
        slack = SAME * float(np.abs(excess).sum())
        reached = int((flipped >= excess.sum() - slack).sum())
        if self.exact:
            return reached / len(flipped)
        if reached > TAIL_COUNT:
            return (reached + 1) / (len(flipped) + 1)
        return saddlepoint_tail(excess)

    def p_less(self, margin: float) -> float:
        """Return the one-sided p of H0: gain >= margin."""
        return self._mirrored().p_greater(-margin)

    def lower(self, alpha: float) -> float:
        """Return the largest margin that is refused at alpha; minus infinity where none is."""
        if not 0 < alpha <= 0.5:  # noqa: PLR2004
            raise BootstrapError("alpha must lie in (0, 0.5].")
        refused, kept = self._farthest(), self.mean
        if self.p_greater(refused) > alpha:
            return -math.inf
        for _ in range(BISECTIONS):
            middle = (refused + kept) / 2
            if self.p_greater(middle) <= alpha:
                refused = middle
            else:
                kept = middle
        return refused

    def upper(self, alpha: float) -> float:
        """Return the one-sided upper bound of the gain at level 1 - alpha."""
        return -self._mirrored().lower(alpha)

    def _farthest(self) -> float:
        # Below every unit's own gain all signs agree, and p is as small as it gets.
        weighed = self.weights > 0
        smallest = float((self.gains[weighed] / self.weights[weighed]).min())
        return smallest - abs(smallest) - 1.0

    def _mirrored(self) -> "SignFlips":
        return SignFlips(-self.gains, self.weights, -self.gain_sums, self.weight_sums, self.exact)


def flip_signs(sample: Sample, *, seed: int, flips: int = RESAMPLES) -> SignFlips:
    """Flip the units of a sample whose score is a mean. Raises BootstrapError for other scores."""
    if sample.difference.metric.form != Form.MEAN:
        raise BootstrapError("Signs can be flipped only where a score is a mean.")
    sign = sample.difference.metric.sign
    return flip(sign * (sample.units[:, 2] - sample.units[:, 1]), sample.units[:, 0], seed, flips)


def flip(gains: Floats, weights: Floats, seed: int, flips: int = RESAMPLES) -> SignFlips:
    """Flip (N,) gains that count (N,) weights: all signs of few units, else `flips` of them."""
    pair = np.column_stack([gains, weights])
    if len(gains) <= EXACT_UNITS:
        numbers = np.arange(2 ** len(gains))[:, np.newaxis]
        bits = (numbers >> np.arange(len(gains))) & 1
        sums = (1.0 - 2.0 * bits) @ pair
        return SignFlips(gains, weights, sums[:, 0], sums[:, 1], exact=True)
    parts = []
    for block in range(-(-flips // BLOCK)):
        words = block_bits(seed, block).random_raw(BLOCK * -(-len(gains) // 64))
        flipped = np.unpackbits(words.view(np.uint8)).reshape(BLOCK, -1)[:, : len(gains)]
        parts.append((1.0 - 2.0 * flipped) @ pair)
    sums = np.concatenate(parts)[:flips]
    return SignFlips(gains, weights, sums[:, 0], sums[:, 1], exact=False)


def saddlepoint_tail(values: Floats) -> float:
    """Return the probability that values of random sign sum to at least what they sum to."""
    kept = values[values != 0]
    if not len(kept) or kept.sum() <= 0:
        return 1.0 if not len(kept) else 0.5
    if bool((kept > 0).all()):
        return float(0.5 ** len(kept))
    scaled = kept / np.abs(kept).max()
    total = float(scaled.sum())
    point = float(brentq(lambda t: float((scaled * np.tanh(t * scaled)).sum()) - total, 0, 1e6))
    # ln cosh without overflow: |x| + ln(1 + exp(-2 |x|)) - ln 2.
    size = np.abs(point * scaled)
    cumulant = float((size + np.log1p(np.exp(-2 * size)) - math.log(2)).sum())
    root = math.sqrt(max(0.0, 2 * (point * total - cumulant)))
    spread = float(((scaled / np.cosh(np.minimum(size, 300))) ** 2).sum())
    step = point * math.sqrt(spread)
    if not root > 0 or not step > 0:
        return 0.5
    density = math.exp(-(root**2) / 2) / math.sqrt(2 * math.pi)
    return min(0.5, max(0.0, float(ndtr(-root)) + density * (1 / step - 1 / root)))
