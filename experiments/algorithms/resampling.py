"""Studentised resamples of units: t* = (gain* - gain) / error*, ten thousand of them.

Resamples come in fours from the same random places: the units at these places; the units at the
mirrored places (antithetic resampling, Hall 1989, Biometrika 76:713-724); and both once more after
the places are scattered, which leaves nothing in common with the first two. Each is a resample like
any other; a quarter of the random numbers is enough, and quantiles are no less steady.

Blocks of resamples have a generator each, so that threads share the work and the result does not
depend on how it is cut. A mean of single rows needs only sums and squares of what was drawn; other
gains count how often each unit was drawn and take influence values anew in every resample.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from experiments.algorithms.differences import Sample
from experiments.algorithms.draws import BLOCK, SHARED, Draws, scattered
from experiments.algorithms.metrics.base import Floats

Pairs = npt.NDArray[np.complex128]

RESAMPLES = 10_000
# Small enough for a core's cache, and for BLAS not to start threads of its own.
PIECE, RUNS = 8_192, 4
ONES = np.ones(PIECE, complex)
CELLS = 1 << 18
# Resamples that tie must tie for whoever repeats them, whatever the order of additions.
T_DECIMALS = 9


def t_values_of_mean(centred: Floats, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Return the sorted t of resamples of (n,) values whose mean is zero."""
    return _blocks(lambda block, count: _mean_block(centred, seed, block, count), resamples)


def t_values_of_units(sample: Sample, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Return the sorted t of resamples of units, NaN last where a resample has no score."""
    return _blocks(lambda block, count: _unit_block(sample, seed, block, count), resamples)


def gains_of_units(sample: Sample, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Return the sorted gains of resamples, NaN last where a resample has no score."""
    return _blocks(lambda block, count: _gain_block(sample, seed, block, count), resamples)


def studentise(means: Floats, squared_errors: Floats) -> Floats:
    """Return t; infinite where a resample repeats one value, zero where that is the mean."""
    far = np.where(means == 0, 0.0, np.copysign(np.inf, means))
    safe = np.where(squared_errors > 0, squared_errors, 1.0)
    found: Floats = np.where(squared_errors > 0, means / np.sqrt(safe), far)
    defined: Floats = np.where(np.isnan(means + squared_errors), np.nan, found)
    return np.asarray(np.round(defined, T_DECIMALS), dtype=np.float64)


def _blocks(work: Callable[[int, int], Floats], resamples: int) -> Floats:
    starts = range(0, resamples, BLOCK)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        parts = pool.map(lambda start: work(start // BLOCK, min(BLOCK, resamples - start)), starts)
        return np.sort(np.concatenate(list(parts)))


def _mean_block(values: Floats, seed: int, block: int, count: int) -> Floats:
    """Sums and squares of four resamples at a time, in pieces that stay in the cache.

    A value and its mirror are real and imaginary part of one number, so that one gather finds both.
    """
    size, fours = len(values), count // SHARED
    draws, paired = Draws(seed, block, size), values + 1j * values[::-1]
    sources, buffer = (paired, paired[scattered(size)]), np.empty(PIECE * RUNS, complex)
    sums, squares = np.zeros((fours, 2), complex), np.zeros((fours, 2), complex)
    rows = max(1, PIECE // size)
    for start in range(0, fours, rows):
        place = slice(start, min(start + rows, fours))
        many, done = place.stop - start, 0
        while done < size:
            wide = _stretch(size - done)
            places = (draws.take if many == 1 else draws.take_in_order)(many * wide)
            for side, source in enumerate(sources):
                drawn = source.take(places, mode="clip", out=buffer[: many * wide])
                table = drawn.reshape(many, -1, min(wide, PIECE))
                sums[place, side] += np.vecdot(ONES[: table.shape[2]], table).sum(axis=1)
                squares[place, side] += _both_squares(table).sum(axis=1)
            done += wide
    means = sums.view(np.float64).ravel() / size
    variances = np.maximum(squares.view(np.float64).ravel() - size * means**2, 0) / (size - 1)
    return studentise(means, variances / size)


def _stretch(left: int) -> int:
    """Return how many of the units left to draw are drawn at once: whole pieces, or the rest."""
    return min(left // PIECE, RUNS) * PIECE or left


def _both_squares(table: Pairs) -> Pairs:
    """Return per run the sums of squares of the real and of the imaginary parts.

    The sum of z z is that of x x - y y + 2 i x y, the sum of |z|^2 that of x x + y y.
    """
    differences = np.matmul(table[..., np.newaxis, :], table[..., np.newaxis])[..., 0, 0].real
    together = np.vecdot(table, table).real
    found: Pairs = ((together + differences) + 1j * (together - differences)) / 2
    return found


def _counts(sample: Sample, seed: int, block: int, count: int) -> Iterator[Floats]:
    """How often each unit was drawn, (resamples, N) in pieces."""
    size, fours = sample.size, count // SHARED
    draws, rows, goes = Draws(seed, block, size), max(1, CELLS // size), scattered(size)
    for start in range(0, fours, rows):
        many = min(rows, fours - start)
        places = draws.take_in_order(many * size).reshape(many, size)
        places += np.arange(many)[:, np.newaxis] * size
        drawn = np.bincount(places.ravel(), minlength=many * size)
        table = drawn.reshape(many, size).astype(np.float64)
        moved = np.empty_like(table)
        moved[:, goes] = table
        yield from (table, table[:, ::-1], moved, moved[:, ::-1])


def _unit_block(sample: Sample, seed: int, block: int, count: int) -> Floats:
    found = []
    for drawn in _counts(sample, seed, block, count):
        with np.errstate(all="ignore"):
            sums = drawn @ sample.units
            gains = sample.difference.value(sums)
            influence = sample.difference.slopes(sums) @ sample.units.T
            errors = np.einsum("ij,ij,ij->i", drawn, influence, influence)
        errors *= sample.size / (sample.size - 1)
        found.append(studentise(gains - sample.gain, errors))
    return np.concatenate(found)


def _gain_block(sample: Sample, seed: int, block: int, count: int) -> Floats:
    with np.errstate(all="ignore"):
        gains = [
            sample.difference.value(drawn @ sample.units)
            for drawn in _counts(sample, seed, block, count)
        ]
    return np.concatenate(gains)
