"""Studentised resamples of units: t* = (gain* - gain) / error*, ten thousand of them.

Blocks of resamples have a generator each, so that threads share the work and the result does not
depend on how it is cut. A mean of single rows needs only sums and squares of what was drawn; other
gains count how often each unit was drawn and take influence values anew in every resample.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from experiments.algorithms.differences import Sample
from experiments.algorithms.draws import BLOCK, block_generator
from experiments.algorithms.metrics.base import Floats

RESAMPLES = 10_000
# Small enough to stay in a core's cache and below the size at which malloc maps fresh pages.
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
    return np.round(np.where(np.isnan(means + squared_errors), np.nan, found), T_DECIMALS)


def _blocks(work: Callable[[int, int], Floats], resamples: int) -> Floats:
    starts = range(0, resamples, BLOCK)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        parts = pool.map(lambda start: work(start // BLOCK, min(BLOCK, resamples - start)), starts)
        return np.sort(np.concatenate(list(parts)))


def _mean_block(centred: Floats, seed: int, block: int, count: int) -> Floats:
    """Sums and squares of each resample, drawn in pieces that stay in the cache."""
    generator, size = block_generator(seed, block), len(centred)
    sums, squares = np.zeros(count), np.zeros(count)
    rows = max(1, PIECE // size)
    for start in range(0, count, rows):
        many = min(rows, count - start)
        for done in range(0, size, PIECE):
            wide = min(PIECE, size - done)
            places = generator.integers(0, size, size=many * wide)
            drawn = centred.take(places, mode="clip").reshape(many, wide)
            sums[start : start + many] += drawn.sum(axis=1)
            squares[start : start + many] += np.einsum("ij,ij->i", drawn, drawn)
    means = sums / size
    variances = np.maximum(squares - size * means**2, 0) / (size - 1)
    return studentise(means, variances / size)


def _counts(sample: Sample, seed: int, block: int, count: int) -> list[Floats]:
    """How often each unit was drawn, (resamples, N) in pieces."""
    generator, size = block_generator(seed, block), sample.size
    rows, pieces = max(1, CELLS // size), []
    for start in range(0, count, rows):
        many = min(rows, count - start)
        places = generator.integers(0, size, size=(many, size))
        places += np.arange(many)[:, np.newaxis] * size
        drawn = np.bincount(places.ravel(), minlength=many * size)
        pieces.append(drawn.reshape(many, size).astype(np.float64))
    return pieces


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
