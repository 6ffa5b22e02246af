"""Leave-one-out: what is lost when one person's rows alone are missing.

It gives redundant givers nothing, and its values do not sum to the gain; an alternative, never the
default.
"""

import numpy as np
import numpy.typing as npt

from contributions.algorithms.coalitions import check_players, everyone

METHOD = "leave-one-out/1"


def coalitions(players: int) -> tuple[int, ...]:
    """Return the coalitions that are needed: nobody, everyone, and everyone but each.

    Raises CoalitionError for no player or too many.
    """
    check_players(players)
    full = everyone(players)
    return tuple(dict.fromkeys([0, full, *(full ^ 1 << place for place in range(players))]))


def weights(players: int) -> npt.NDArray[np.float64]:
    """Return (players, len(coalitions)): what each coalition's value counts for each player."""
    masks = coalitions(players)
    full = everyone(players)
    found = np.zeros((players, len(masks)))
    found[:, masks.index(full)] = 1.0
    for place in range(players):
        found[place, masks.index(full ^ 1 << place)] -= 1.0
    return found
