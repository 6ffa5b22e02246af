"""A worthless model that learns the screening rows from what refused attempts are told.

The attacker flips the baseline's answers on random rows, keeps to the tries whose rounded score is
not below the usual, and lets them vote over each row's flip (Blum, Hardt 2015, arXiv:1502.04585,
section 4). The last attempt flips every row with a majority. Screening may fall for it; the rows
kept for confirmation were never asked about, so that what is payable does not.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.algorithms.decision import Policy, confirm, decide
from experiments.algorithms.metrics.base import SCALE
from experiments.algorithms.outcomes import PairedOutcomes
from experiments.algorithms.paired import Discordant
from experiments.algorithms.simulation import ALPHA, Rate, hits

ROUNDED = 100
FLIPS = 0.1
UNSEEN = 0.1


@dataclass(frozen=True, slots=True)
class Attack:
    """`n` screening rows, as many for confirmation; `tries` attempts before the last one.

    A refused attempt is told its score as one of `rounded` equal steps; nothing if zero.
    """

    n: int = 800
    tries: int = 1_000
    baseline_accuracy: float = 0.75
    rounded: int = ROUNDED


@dataclass(frozen=True, slots=True)
class Fallen:
    """Runs in which screening accepted the model, and in which its gain became payable."""

    screening: Rate
    payable: Rate


def play_attack(attack: Attack, runs: int, seed: int) -> Fallen:
    """Play the attack against fresh rows in every run."""
    source = np.random.default_rng(seed)
    ends = [_run(attack, source) for _ in range(runs)]
    return Fallen(
        screening=Rate(sum(screened for screened, _ in ends), runs),
        payable=Rate(sum(paid for _, paid in ends), runs),
    )


def _run(attack: Attack, source: np.random.Generator) -> tuple[bool, bool]:
    """Return whether the last attempt passed screening, and the confirmation too."""
    right = source.random(attack.n) < attack.baseline_accuracy
    flips = _voted_flips(attack, right, source)
    policy = Policy("accuracy", alpha=ALPHA)
    screened = {"accuracy": _outcomes(right, flips)}
    if not decide(policy, attack.tries + 1, screened, seed=0).accepted:
        return False, False
    # What was learnt is about other rows. Here the model wins as many rows as it loses, which is
    # the most that a worthless one can do.
    lost, won, _ = source.multinomial(attack.n, [UNSEEN / 2, UNSEEN / 2, 1 - UNSEEN])
    unseen = hits(Discordant(int(lost), int(won), attack.n))
    return True, confirm(policy, 1, {"accuracy": unseen}, seed=0).accepted


def _voted_flips(
    attack: Attack, right: npt.NDArray[np.bool_], source: np.random.Generator
) -> npt.NDArray[np.bool_]:
    if not attack.rounded:
        return source.random(attack.n) < FLIPS
    flipped = source.random((attack.tries, attack.n)) < FLIPS
    scores = (flipped ^ right).mean(axis=1)
    told = np.rint(scores * attack.rounded)
    votes = (told - told.mean()) @ (flipped - flipped.mean(axis=0))
    # The flips that seem to help most; about as many as could be expected to help.
    return np.asarray(votes > np.quantile(votes, attack.baseline_accuracy))


def _outcomes(right: npt.NDArray[np.bool_], flips: npt.NDArray[np.bool_]) -> PairedOutcomes:
    """Two classes: a flipped answer is right where the baseline's was wrong."""
    return PairedOutcomes("accuracy", right * SCALE, (right ^ flips) * SCALE)
