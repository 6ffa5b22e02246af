import numpy as np
import pytest

from contributions.algorithms.coalitions import CoalitionError
from contributions.algorithms.knn_shapley import knn_shapley
from contributions.algorithms.shapley import shapley_values
from tests.contributions.algorithms.oracle import case, digits


def utilities(distances: np.ndarray, right: np.ndarray, k: int) -> np.ndarray:
    """Of all coalitions of rows, by mask."""
    found = []
    for mask in range(1 << len(right)):
        members = np.array([place for place in range(len(right)) if mask >> place & 1], dtype=int)
        nearest = members[np.argsort(distances[members], kind="stable")][:k]
        found.append(right[nearest].sum() / k)
    return np.array(found)


@pytest.mark.parametrize("neighbours", [1, 3, 9])
def test_values_agree_with_all_coalitions_of_rows(neighbours: int) -> None:
    generator = np.random.default_rng(neighbours)
    rows, tested = generator.normal(size=(7, 2)), generator.normal(size=(4, 2))
    labels, answers = generator.integers(0, 2, 7), generator.integers(0, 2, 4)
    found = knn_shapley(rows, labels, tested, answers, np.arange(7), neighbours=neighbours)
    for place in range(4):
        distances = ((rows - tested[place]) ** 2).sum(axis=1)
        values = utilities(distances, labels == answers[place], neighbours)
        assert np.allclose(found[place], shapley_values(values))


def test_values_agree_with_pydvl() -> None:
    rows, labels, tested, answers = digits()
    moved = rows + np.random.default_rng(5).normal(scale=0.01, size=rows.shape)
    found = knn_shapley(moved, labels, tested, answers, np.arange(150), neighbours=5)
    assert np.allclose(found.mean(axis=0), case()["knn_shapley"], atol=1e-12)


def test_an_owner_is_worth_what_the_owned_rows_are() -> None:
    rows, labels, tested, answers = digits()
    alone = knn_shapley(rows, labels, tested, answers, np.arange(150))
    owned = knn_shapley(rows, labels, tested, answers, np.arange(150) // 50)
    assert owned.shape == (200, 3)
    assert np.allclose(owned, alone.reshape(200, 3, 50).sum(axis=2))


def test_the_values_of_many_tested_rows_do_not_depend_on_how_they_are_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, labels, tested, answers = digits()
    whole = knn_shapley(rows, labels, tested, answers, np.arange(150))
    monkeypatch.setattr("contributions.algorithms.knn_shapley.CHUNK_CELLS", 1_000)
    assert np.allclose(knn_shapley(rows, labels, tested, answers, np.arange(150)), whole)


def test_what_does_not_fit_is_refused() -> None:
    rows, labels, tested, answers = digits()
    owners = np.arange(150)
    broken = rows.copy()
    broken[3, 3] = np.nan
    for bad in (
        (rows, labels[1:], tested, answers, owners),
        (rows, labels, tested[:, 1:], answers, owners),
        (rows, labels, tested[:0], answers[:0], owners),
        (broken, labels, tested, answers, owners),
    ):
        with pytest.raises(CoalitionError):
            knn_shapley(*bad)
    with pytest.raises(CoalitionError):
        knn_shapley(rows, labels, tested, answers, owners, neighbours=0)
