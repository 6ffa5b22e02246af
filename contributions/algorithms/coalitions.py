"""Coalitions as bit masks: bit i says whether player i takes part."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_PLAYERS = 100


class CoalitionError(ValueError):
    """Players, coalitions or outcomes that cannot be used."""


def everyone(players: int) -> int:
    """Return the coalition of all players."""
    return (1 << players) - 1


def members_of(mask: int) -> tuple[int, ...]:
    """Return the numbers of a coalition's players, in order."""
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)


def membership(masks: Sequence[int], players: int) -> npt.NDArray[np.bool_]:
    """Return (k, players) whether each player is in each coalition."""
    rows = [[bool(mask >> place & 1) for place in range(players)] for mask in masks]
    return np.array(rows, dtype=np.bool_).reshape(len(masks), players)


def check_players(players: int) -> None:
    """Raises CoalitionError for nobody, or more than MAX_PLAYERS."""
    if players < 1:
        raise CoalitionError("There is nobody among whom something could be attributed.")
    if players > MAX_PLAYERS:
        raise CoalitionError(
            f"{players} persons contributed; credit is attributed among at most {MAX_PLAYERS}."
        )
