"""Studentised resamples of units: t* = (gain* - gain) / error*, ten thousand of them.

Resamples come in pairs: the second takes, for every unit that the first drew, the one at the
mirrored place of the sorted units (antithetic resampling, Hall 1989, Biometrika 76:713-724). Each
is a resample like any other; together they estimate quantiles better than two that know nothing
of each other, from half the random numbers.

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
from experiments.algorithms.draws import BLOCK, Draws
from experiments.algorithms.metrics.base import Floats

Pairs = npt.NDArray[np.complex128]

RESAMPLES = 10_000
# Small enough for a core's cache, and for BLAS not to start threads of its own.
PIECE = 8_192
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
    """Sums and squares of each resample and its mirror, in pieces that stay in the cache.

    A value and its mirror are real and imaginary part of one number, so that one gather finds both.
    """
    size, pairs = len(values), (count + 1) // 2
    draws, source = Draws(seed, block, size), values + 1j * values[::-1]
    sums, squares = np.zeros(pairs, complex), np.zeros(pairs, complex)
    rows, buffer = max(1, PIECE // size), np.empty(PIECE, complex)
    ones = np.ones(min(PIECE, size), complex)
    for start in range(0, pairs, rows):
        many = min(rows, pairs - start)
        for done in range(0, size, PIECE):
            wide = min(PIECE, size - done)
            take = draws.take if many == 1 else draws.take_in_order
            drawn = source.take(take(many * wide), mode="clip", out=buffer[: many * wide])
            table = drawn.reshape(many, wide)
            place = slice(start, start + many)
            sums[place] += table @ ones[:wide]
            squares[place] += _both_squares(table)
    means = sums.view(np.float64)[:count] / size
    variances = np.maximum(squares.view(np.float64)[:count] - size * means**2, 0) / (size - 1)
    return studentise(means, variances / size)


def _both_squares(table: Pairs) -> Pairs:
    """Return per row the sums of squares of the real and of the imaginary parts.

    The sum of z z is that of x x - y y + 2 i x y, the sum of |z|^2 that of x x + y y.
    """
    differences = np.matmul(table[:, np.newaxis, :], table[:, :, np.newaxis])[:, 0, 0].real
    together = np.vecdot(table, table).real
    found: Pairs = ((together + differences) + 1j * (together - differences)) / 2
    return found


def _counts(sample: Sample, seed: int, block: int, count: int) -> Iterator[Floats]:
    """How often each unit was drawn, (resamples, N) in pieces, each followed by its mirror."""
    size, pairs = sample.size, (count + 1) // 2
    draws, rows = Draws(seed, block, size), max(1, CELLS // size)
    for start in range(0, pairs, rows):
        many = min(rows, pairs - start)
        places = draws.take_in_order(many * size).reshape(many, size)
        places += np.arange(many)[:, np.newaxis] * size
        drawn = np.bincount(places.ravel(), minlength=many * size)
        table = drawn.reshape(many, size).astype(np.float64)
        yield table
        yield table[: min(many, count - pairs - start), ::-1]


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
