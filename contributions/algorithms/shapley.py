"""Exact Shapley values from the value of every coalition.

Sources: Shapley (1953), A value for n-person games; Ghorbani, Zou (2019), arXiv 1904.02868.
"""

from math import factorial

import numpy as np
import numpy.typing as npt

from contributions.algorithms.coalitions import CoalitionError, check_players

METHOD = "shapley-exact/1"
MAX_EXACT = 10

Floats = npt.NDArray[np.float64]


def shapley_weights(players: int) -> Floats:
    """Return (players, 2**players): what the value of each coalition counts for each player.

    A coalition of s players counts (s-1)!(n-s)!/n! for those in it and -s!(n-s-1)!/n! for the
    others, so that a player's value is the mean of what they add over all orders of joining.

    Raises CoalitionError for no player, or more than MAX_EXACT.
    """
    check_players(players)
    if players > MAX_EXACT:
        raise CoalitionError(f"Exact values are for at most {MAX_EXACT} persons.")
    masks = np.arange(1 << players)
    inside = (masks[None, :] >> np.arange(players)[:, None] & 1).astype(np.bool_)
    sizes = inside.sum(axis=0)
    whole = factorial(players)
    gains = [factorial(s - 1) * factorial(players - s) / whole for s in range(1, players + 1)]
    joined = np.array([0.0, *gains])
    absent = np.array([*gains, 0.0])
    found: Floats = np.where(inside, joined[sizes], -absent[sizes])
    return found


def shapley_values(values: Floats) -> Floats:
    """Return (players, ...) from the (2**players, ...) values of all coalitions by mask.

    Whatever follows the first axis is kept, such as the rows of a benchmark. The values of all
    players sum to the value of everyone less the value of nobody.

    Raises CoalitionError where the number of coalitions is no power of two.
    """
    players = len(values).bit_length() - 1
    if len(values) != 1 << max(players, 0):
        raise CoalitionError("Exact values need the value of every coalition.")
    found: Floats = np.asarray(np.tensordot(shapley_weights(players), values, axes=1))
    return found
