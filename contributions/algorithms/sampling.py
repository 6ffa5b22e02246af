"""Shapley values from antithetic permutations: each order of joining is walked both ways.

What is evaluated next follows from what is known, so that a walk that was broken off goes on where
it was. Sources: Castro, Gomez, Tejada (2009) for permutations; Mitchell et al. (2022), JMLR 23:43,
for antithetic ones; Ghorbani, Zou (2019), arXiv 1904.02868, for truncation.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import or_

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from contributions.algorithms.coalitions import check_players, everyone

METHOD = "shapley-permutations/1"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Policy:
    """When a walk ends; values, `tolerance` and `truncation` are in one unit.

    Rounds of `pairs` permutations and their mirror images are walked until every value is known
    within `tolerance` with probability `level`, or `max_pairs` were walked. Along an order, once
    the value of those who joined is within `truncation` of everyone's, the rest of the gain is
    split evenly among those who are left; that is looked at after each `parts`-th of the order, and
    never where `truncation` is 0.
    """

    seed: int
    tolerance: float
    truncation: float
    pairs: int = 8
    max_pairs: int = 64
    parts: int = 4
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Sampled:
    """`weights` (players, k) of the k coalitions in `masks`; how far the values may be off."""

    masks: tuple[int, ...]
    weights: Floats
    error_bound: float
    permutations: int
    truncated: int


def next_coalitions(policy: Policy, players: int, known: Mapping[int, float]) -> tuple[int, ...]:
    """Return the coalitions to evaluate next, given the values of those that were; () at the end.

    Raises CoalitionError for no player or too many.
    """
    check_players(players)
    ends = [mask for mask in (0, everyone(players)) if mask not in known]
    if ends:
        return tuple(ends)
    pairs = 0
    while pairs < policy.max_pairs:
        pairs = min(pairs + policy.pairs, policy.max_pairs)
        needed: dict[int, None] = {}
        for order in permutations(policy.seed, players, pairs):
            needed.update(dict.fromkeys(_missing(policy, order, known)))
        if needed:
            return tuple(needed)
        if _bound(policy, players, known, pairs) <= policy.tolerance:
            break
    return ()


def sampled(policy: Policy, players: int, known: Mapping[int, float]) -> Sampled:
    """Return what each evaluated coalition counts, once `next_coalitions` is at its end."""
    pairs = _pairs_walked(policy, players, known)
    masks = tuple(known)
    place = {mask: number for number, mask in enumerate(masks)}
    weights = np.zeros((players, len(masks)))
    orders = permutations(policy.seed, players, pairs)
    truncated = 0
    for order in orders:
        walked = _walked(policy, order, known)
        truncated += walked < players
        for player, mask, count in _steps(order, walked):
            weights[player, place[mask]] += count / len(orders)
    bound = _bound(policy, players, known, pairs)
    return Sampled(masks, weights, bound, len(orders), truncated)


def permutations(seed: int, players: int, pairs: int) -> list[tuple[int, ...]]:
    """Return `pairs` orders and their mirror images; more pairs begin with the same ones."""
    generator = np.random.Generator(np.random.PCG64(seed))
    found: list[tuple[int, ...]] = []
    for _ in range(pairs):
        order = tuple(int(place) for place in generator.permutation(players))
        found += [order, order[::-1]]
    return found


def _pairs_walked(policy: Policy, players: int, known: Mapping[int, float]) -> int:
    pairs = 0
    while pairs < policy.max_pairs:
        pairs = min(pairs + policy.pairs, policy.max_pairs)
        if _bound(policy, players, known, pairs) <= policy.tolerance:
            break
    return pairs


def _stops(policy: Policy, players: int) -> list[int]:
    """How many have joined at each look: after each part of the order."""
    parts = min(policy.parts, players)
    return sorted({math.ceil(players * part / parts) for part in range(1, parts + 1)})


def _prefixes(order: Sequence[int]) -> list[int]:
    """The coalitions along an order, nobody first."""
    return list(accumulate((1 << player for player in order), or_, initial=0))


def _missing(policy: Policy, order: Sequence[int], known: Mapping[int, float]) -> list[int]:
    """The unknown coalitions of an order up to its next look."""
    prefixes, last = _prefixes(order), known[everyone(len(order))]
    for stop in _stops(policy, len(order)):
        missing = [mask for mask in prefixes[: stop + 1] if mask not in known]
        if missing:
            return missing
        if _is_near(policy, last, known[prefixes[stop]]):
            break
    return []


def _walked(policy: Policy, order: Sequence[int], known: Mapping[int, float]) -> int:
    """How many joined before the order was truncated; all of them where it was not."""
    prefixes, last = _prefixes(order), known[everyone(len(order))]
    for stop in _stops(policy, len(order)):
        if _is_near(policy, last, known[prefixes[stop]]):
            return stop
    return len(order)


def _is_near(policy: Policy, last: float, value: float) -> bool:
    return policy.truncation > 0 and abs(last - value) <= policy.truncation


def _steps(order: Sequence[int], walked: int) -> list[tuple[int, int, float]]:
    """Player, coalition, count: what the coalitions of an order count for its players."""
    prefixes, players = _prefixes(order), len(order)
    found = []
    for place, player in enumerate(order):
        if place < walked:
            before, after, part = prefixes[place], prefixes[place + 1], 1.0
        else:
            before, after, part = prefixes[walked], prefixes[players], 1.0 / (players - walked)
        found += [(player, after, part), (player, before, -part)]
    return found


def _bound(policy: Policy, players: int, known: Mapping[int, float], pairs: int) -> float:
    """How far the farthest value may be from its exact one, with probability `level`.

    Student's t over independent pairs, by Bonferroni for all players together, and what truncation
    left open.
    """
    if pairs < 2:  # noqa: PLR2004
        return math.inf
    means = np.zeros((pairs, players))
    truncated = False
    for number, order in enumerate(permutations(policy.seed, players, pairs)):
        walked = _walked(policy, order, known)
        truncated |= walked < players
        for player, mask, count in _steps(order, walked):
            means[number // 2, player] += count * known[mask] / 2
    errors = means.std(axis=0, ddof=1) / math.sqrt(pairs)
    reach = float(stdtrit(pairs - 1, 1 - (1 - policy.level) / (2 * players)))
    return float(errors.max()) * reach + (policy.truncation if truncated else 0.0)
