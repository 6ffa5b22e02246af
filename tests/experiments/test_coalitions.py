"""Coalitions fitted by a real runner on digits."""

import numpy as np
import pytest

from experiments.coalitions import coalition_outcomes
from experiments.exceptions import TrainingImpossible
from experiments.models import Comparison
from experiments.training_tables import TrainingTable, joined, read_table
from tests.measuring import ANNA, BASE, BEN, Bench, Workshop, bench, table, usable

pytestmark = pytest.mark.django_db
RECIPE = {"recipe": "scikit-learn", "seed": 7}
PARAMETERS = {
    "model": "logistic_regression",
    "C": 1.0,
    "max_iter": 100,
    "missing": "refuse",
}


def unsaved(of: Bench) -> Comparison:
    """Enough of a comparison to say which rows are asked."""
    return Comparison(benchmark=of.benchmark)


def given(of: Bench) -> tuple[TrainingTable, TrainingTable, TrainingTable]:
    base, anna, ben = (
        read_table(usable(of.project, table(part)), of.benchmark) for part in (BASE, ANNA, BEN)
    )
    return base, anna, ben


def test_every_coalition_is_fitted_on_its_own_rows(measuring: Workshop) -> None:
    of = bench()
    base, anna, ben = given(of)
    found = coalition_outcomes(
        comparison=unsaved(of),
        parameters=PARAMETERS,
        base=base,
        players=[anna, ben],
        coalitions=[0, 1, 2, 3],
        **RECIPE,
    )
    assert found.shape == (4, 800, 1)
    scores = found.mean(axis=(1, 2)) / 1_000_000
    assert 0.8 < scores[0] < scores[1:3].min()
    assert scores[3] > scores[0] + 0.05
    regrouped = coalition_outcomes(
        comparison=unsaved(of),
        parameters=PARAMETERS,
        base=base,
        players=[joined("both", [ben, anna])],
        coalitions=[1, 0],
        **RECIPE,
    )
    assert np.array_equal(regrouped, found[[3, 0]])


def test_a_coalition_of_unknown_givers_is_refused(measuring: Workshop) -> None:
    of = bench()
    base, anna, _ = given(of)
    with pytest.raises(TrainingImpossible, match="no coalition 2 of 1"):
        coalition_outcomes(
            comparison=unsaved(of),
            parameters=PARAMETERS,
            base=base,
            players=[anna],
            coalitions=[2],
            **RECIPE,
        )
