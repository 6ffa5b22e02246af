import numpy as np
import pytest

from experiments.algorithms.draws import Draws, block_bits
from tests.experiments.algorithms import twin


@pytest.mark.parametrize("size", [2, 3, 7, 100, 4097, 3_000_000_000])
def test_places_are_those_of_numpy_and_of_plain_python(size: int) -> None:
    ours = Draws(seed=5, block=1, size=size)
    numpys = np.random.Generator(block_bits(5, 1))
    plain = twin.Draws(seed=5, block=1)

    for count in (3, 10, 1, 512, 77, 0, 2):
        drawn = ours.take_in_order(count).tolist()
        assert drawn == numpys.integers(0, size, size=count).tolist()
        assert drawn == [plain.below(size) for _ in range(count)]


@pytest.mark.parametrize("size", [2, 3, 100, 3_000_000_000])
def test_places_taken_in_any_order_are_the_same_places(size: int) -> None:
    # A third of the numbers are dropped at the largest size.
    quick, ordered = Draws(seed=5, block=1, size=size), Draws(seed=5, block=1, size=size)

    for count in (3, 10, 1, 4000, 77, 2, 5, 4001):
        assert sorted(quick.take(count)) == sorted(ordered.take_in_order(count))


def test_seed_and_block_change_the_numbers() -> None:
    drawn = {tuple(Draws(seed, block, 1000).take(8)) for seed in (1, 2) for block in (0, 1)}

    assert len(drawn) == 4
