from experiments.algorithms.feedback_attack import Attack, play_attack
from experiments.algorithms.simulation import ALPHA


def test_what_the_attack_learns_is_not_payable() -> None:
    """Blum, Hardt 2015: rounded scores of a thousand tries are enough to pass screening."""
    fallen = play_attack(Attack(), runs=60, seed=1)

    assert fallen.screening.share > 0.5
    assert fallen.payable.is_compatible_with_at_most(ALPHA)


def test_without_scores_there_is_nothing_to_vote_with() -> None:
    fallen = play_attack(Attack(rounded=0), runs=60, seed=1)

    assert fallen.screening.is_compatible_with_at_most(ALPHA)
