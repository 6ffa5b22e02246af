"""The decision's arithmetic once more, in plain Python from docs/statistics.md alone.

Nothing of the project and no numpy is imported: what this repeats, a verifier can repeat.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

SCALE = 1_000_000
RESAMPLES, BLOCK, TAIL = 10_000, 100, 10
MASK64, MASK128 = 2**64 - 1, 2**128 - 1
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
SIGNS = {"log_loss": -1, "brier_score": -1, "mae": -1, "rmse": -1, "poisson_deviance": -1}


class Draws:
    """PCG64 (XSL-RR), 32 bits at a time, low half first; bounded by Lemire's method."""

    def __init__(self, seed: int, block: int) -> None:
        digest = hashlib.sha256(f"hokusai-resample-v1\n{seed}\n{block}".encode()).digest()
        self.state = int.from_bytes(digest[:16], "big")
        self.increment = int.from_bytes(digest[16:], "big") | 1
        self.kept: int | None = None

    def bits32(self) -> int:
        if self.kept is not None:
            low, self.kept = self.kept, None
            return low
        self.state = (self.state * MULTIPLIER + self.increment) & MASK128
        folded, turn = (self.state >> 64) ^ (self.state & MASK64), self.state >> 122
        word = ((folded >> turn) | (folded << (64 - turn))) & MASK64
        self.kept = word >> 32
        return word & 0xFFFFFFFF

    def below(self, size: int) -> int:
        product = self.bits32() * size
        if product & 0xFFFFFFFF < size:
            threshold = (2**32 - size) % size
            while product & 0xFFFFFFFF < threshold:
                product = self.bits32() * size
        return product >> 32


# Scores from means of components, and their derivatives.


def mean_score(means: Sequence[float]) -> tuple[float, list[float]]:
    return means[0], [1.0]


def rmse(means: Sequence[float]) -> tuple[float, list[float]]:
    root = math.sqrt(means[0])
    return root, [0.5 / root if root > 0 else 0.0]


def r2(means: Sequence[float]) -> tuple[float, list[float]]:
    variance = means[2] - means[1] ** 2
    if not variance > 0:
        return math.nan, [math.nan] * 3
    by_variance = means[0] / variance**2
    return 1 - means[0] / variance, [-1 / variance, -2 * means[1] * by_variance, by_variance]


def ndcg(means: Sequence[float]) -> tuple[float, list[float]]:
    if not means[1] > 0:
        return math.nan, [math.nan] * 2
    return means[0] / means[1], [1 / means[1], -means[0] / means[1] ** 2]


def balanced_accuracy(means: Sequence[float]) -> tuple[float, list[float]]:
    pairs = list(zip(means[0::2], means[1::2], strict=True))
    present = sum(rows > 0 for _, rows in pairs)
    value, slopes = 0.0, []
    for hits, rows in pairs:
        value += hits / rows / present if rows > 0 else 0.0
        slopes += [1 / rows / present, -hits / rows**2 / present] if rows > 0 else [0.0, 0.0]
    return value, slopes


def f1(means: Sequence[float]) -> tuple[float, list[float]]:
    triples = list(zip(means[0::3], means[1::3], means[2::3], strict=True))
    present = max(1, sum(said + are > 0 for _, said, are in triples))
    value, slopes = 0.0, []
    for hits, said, are in triples:
        either = said + are
        if not either > 0:
            slopes += [0.0] * 3
            continue
        value += 2 * hits / either / present
        by_either = -2 * hits / either**2 / present
        slopes += [2 / either / present, by_either, by_either]
    return value, slopes


def score_of(metric: str) -> Callable[[Sequence[float]], tuple[float, list[float]]]:
    if metric.startswith("ndcg@"):
        return ndcg
    known = {"rmse": rmse, "r2": r2, "f1": f1, "balanced_accuracy": balanced_accuracy}
    return known.get(metric, mean_score)


class Gain:
    """The gain as a function of sums [weight, baseline…, candidate…], and its slopes."""

    def __init__(self, metric: str, width: int) -> None:
        self.score, self.sign, self.p = score_of(metric), SIGNS.get(metric, 1), (width - 1) // 2

    def at(self, sums: Sequence[float]) -> tuple[float, list[float]]:
        weight = sums[0]
        if not weight > 0:
            return math.nan, [math.nan] * len(sums)
        means = [value / weight for value in sums[1:]]
        before, down = self.score(means[: self.p])
        after, up = self.score(means[self.p :])
        by_weight = sum(a * b for a, b in zip(down, means[: self.p], strict=True))
        by_weight -= sum(a * b for a, b in zip(up, means[self.p :], strict=True))
        slopes = [by_weight, *(-one for one in down), *up]
        return self.sign * (after - before), [self.sign * one / weight for one in slopes]


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


def studentise(distance: float, squared_error: float) -> float:
    if math.isnan(distance) or math.isnan(squared_error):
        return math.nan
    if squared_error > 0:
        return round(distance / math.sqrt(squared_error), 9)
    return 0.0 if distance == 0 else math.copysign(math.inf, distance)


def error_of(units: Sequence[Sequence[float]], slopes: Sequence[float], counts: list[int]) -> float:
    """The squared standard error by influence values, with N / (N - 1)."""
    size = len(units)
    influence = [dot(slopes, unit) for unit in units]
    spread = math.fsum(count * one**2 for count, one in zip(counts, influence, strict=True))
    return spread * size / (size - 1)


def t_values(metric: str, units: Sequence[Sequence[int]], seed: int, resamples: int) -> list[float]:
    """The sorted t of every resample; NaN last."""
    natural = [[value / SCALE for value in unit] for unit in units]
    size, gain = len(units), Gain(metric, len(units[0]))
    whole, _ = gain.at([math.fsum(column) for column in zip(*natural, strict=True)])
    found, counts = [], [0] * size
    for resample in range(resamples):
        if resample % BLOCK == 0:
            draws = Draws(seed, resample // BLOCK)
        if resample % 4 == 0:
            counts = [0] * size
            for _ in range(size):
                counts[draws.below(size)] += 1
        else:
            counts.reverse()
        if resample % 4 == 2:
            counts = scattered(counts)
        sums = [dot(counts, column) for column in zip(*natural, strict=True)]
        value, slopes = gain.at(sums)
        found.append(studentise(value - whole, error_of(natural, slopes, counts)))
    return sorted(found, key=lambda one: (math.isnan(one), one))


def scattered(counts: list[int]) -> list[int]:
    """Counts of places, moved to where the places go."""
    size = len(counts)
    step = max(1, size * 618_034 // 1_000_000)
    while math.gcd(step, size) != 1:
        step += 1
    moved = [0] * size
    for place, count in enumerate(counts):
        moved[place * step % size] = count
    return moved


def estimate(
    metric: str,
    units: Sequence[Sequence[int]],
    seed: int,
    alpha: float,
    margin_ppm: int,
    *,
    resamples: int = RESAMPLES,
) -> tuple[float, float, float]:
    """The lower bound, the upper bound (both in millionths) and p, from the evidence's units."""
    natural = [[value / SCALE for value in unit] for unit in units]
    size, gain = len(units), Gain(metric, len(units[0]))
    whole, slopes = gain.at([math.fsum(column) for column in zip(*natural, strict=True)])
    error = math.sqrt(error_of(natural, slopes, [1] * size))
    seen = t_values(metric, units, seed, resamples)
    low = whole - upper_quantile(seen, alpha, size) * error
    mirrored = sorted((-one for one in seen), key=lambda one: (math.isnan(one), one))
    high = whole + upper_quantile(mirrored, alpha, size) * error
    p_value = p_greater(seen, round((whole - margin_ppm / SCALE) / error, 9), size)
    return low * SCALE, high * SCALE, p_value


def upper_quantile(seen: list[float], alpha: float, size: int) -> float:
    beyond, student = math.floor(alpha * (len(seen) + 1)) - 1, student_quantile(alpha, size - 1)
    if beyond >= TAIL:
        return max(student, far(seen[len(seen) - 1 - beyond]))
    last = far(seen[len(seen) - 1 - TAIL])
    return max(last, student * widening(seen, size))


def widening(seen: list[float], size: int) -> float:
    share = (TAIL + 1) / (len(seen) + 1)
    return max(1.0, far(seen[len(seen) - 1 - TAIL]) / student_quantile(share, size - 1))


def p_greater(seen: list[float], observed: float, size: int) -> float:
    beyond = sum(not one < observed for one in seen)
    counted, student = (beyond + 1) / (len(seen) + 1), student_tail(observed, size - 1)
    if beyond > TAIL:
        return max(student, counted)
    wider = widening(seen, size)
    if math.isinf(wider):
        return max(student, (TAIL + 1) / (len(seen) + 1))
    return max(student, min(counted, student_tail(observed / wider, size - 1)))


def far(value: float) -> float:
    return math.inf if math.isnan(value) else value


def student_tail(t: float, degrees: int) -> float:
    """P(T > t), by the continued fraction of the incomplete beta function (Lentz)."""
    if t < 0:
        return 1 - student_tail(-t, degrees)
    x = degrees / (degrees + t * t)
    return incomplete_beta(degrees / 2, 0.5, x) / 2


def student_quantile(alpha: float, degrees: int) -> float:
    """The t that is exceeded with a probability of alpha, by bisection."""
    low, high = 0.0, 1.0
    while student_tail(high, degrees) > alpha:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, degrees) > alpha else (low, middle)
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float) -> float:
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(front + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 / (1 + term * d), 1 + term / c
            fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * fraction


# Counts: McNemar's mid-p and Tango's score.


def midp(b: int, c: int) -> float:
    pairs = b + c
    above = sum(math.comb(pairs, won) for won in range(c + 1, pairs + 1))
    return (2 * above + math.comb(pairs, c)) / 2 ** (pairs + 1)


def tango(b: int, c: int, n: int, difference: float) -> float:
    """Tango's statistic at a difference: standard deviations that the gain lies above it."""
    linear = -c - b + (2 * n - c + b) * difference
    constant = -b * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    lost = -2 * constant / (root + linear) if linear > 0 else (root - linear) / (4 * n)
    deviation = math.sqrt(max(0.0, n * (2 * lost + difference * (1 - difference))))
    excess = c - b - n * difference
    return excess / deviation if deviation else math.copysign(math.inf, excess) if excess else 0.0


def tango_p(b: int, c: int, n: int, margin: float) -> float:
    return NormalDist().cdf(-tango(b, c, n, margin))


def tango_lower(b: int, c: int, n: int, alpha: float) -> float:
    z, low, high = -NormalDist().inv_cdf(alpha), -1.0, (c - b) / n
    if not tango(b, c, n, low) > z:
        return -1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if tango(b, c, n, middle) > z else (low, middle)
    return low


# Orders: DeLong's variance, summed by units as in Obuchowski 1997.


def area_difference(units: Sequence[Sequence[Sequence[int]]]) -> tuple[float, float, int]:
    """The gain, its standard error, and the degrees of freedom, from the evidence's rows."""
    rows = [row for unit in units for row in unit]
    befores, afters = placements(rows, 1), placements(rows, 2)
    gains = [after - before for before, after in zip(befores, afters, strict=True)]
    mass = [sum(row[0] for row in rows if row[3] == label) for label in (0, 1)]
    gain = sum(row[0] * one for row, one in zip(rows, gains, strict=True) if row[3]) / mass[1]
    shares, place = [], 0
    for unit in units:
        parts = [0.0, 0.0]
        for row in unit:
            parts[row[3]] += row[0] * (gains[place] - gain) / mass[row[3]]
            place += 1
        shares.append(parts)
    held = [sum(any(r[3] == label and r[0] for r in u) for u in units) for label in (0, 1)]
    variance = 2 * len(units) / (len(units) - 1) * math.fsum(one[0] * one[1] for one in shares)
    for label in (0, 1):
        spread = math.fsum(one[label] ** 2 for one in shares)
        variance += held[label] / (held[label] - 1) * spread
    return gain, math.sqrt(max(0.0, variance)), min(held) - 1


def placements(rows: Sequence[Sequence[int]], column: int) -> list[float]:
    """Per row the share of the other class's weight that it is in the right order with."""
    size = max(row[column] for row in rows) + 1
    mass = [[0] * size, [0] * size]
    for row in rows:
        mass[row[3]][row[column]] += row[0]
    below = []
    for label in (0, 1):
        cumulated, shares = 0, []
        for one in mass[label]:
            shares.append((cumulated + one / 2) / sum(mass[label]))
            cumulated += one
        below.append(shares)
    return [below[0][r[column]] if r[3] else 1 - below[1][r[column]] for r in rows]
