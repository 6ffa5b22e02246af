"""The random numbers of resampling, specified so that anyone can repeat them.

docs/statistics.md has the specification in words: PCG64 (XSL-RR, O'Neill 2014) whose state is set
from SHA-256 of seed and block, and bounded integers by Lemire's method on 32 bits (2019). That is
what `Generator.integers(0, n)` gives on this state; a whole array at a time it takes half as long.
"""

import hashlib
import math

import numpy as np
import numpy.typing as npt

BLOCK = 100
# Resamples that share their random numbers.
SHARED = 4
GOLDEN_PPM = 618_034
DOMAIN = b"hokusai-resample-v1"
WORD = 32

Places = npt.NDArray[np.int64]


def block_bits(seed: int, block: int) -> np.random.PCG64:
    """Return the generator of one block of resamples.

    State: the first 16 bytes of SHA-256("hokusai-resample-v1\\n<seed>\\n<block>") as a big-endian
    integer; increment: the last 16 bytes, with the lowest bit set.
    """
    digest = hashlib.sha256(b"%b\n%d\n%d" % (DOMAIN, seed, block)).digest()
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {
            "state": int.from_bytes(digest[:16], "big"),
            "inc": int.from_bytes(digest[16:], "big") | 1,
        },
        "has_uint32": 0,
        "uinteger": 0,
    }
    return bits


def scattered(size: int) -> Places:
    """Return (size,) where each place goes when places are scattered: i to g i mod size.

    g is the smallest integer from 0.618034 size on that has no divisor in common with it.
    """
    step = max(1, size * GOLDEN_PPM // 1_000_000)
    while math.gcd(step, size) != 1:
        step += 1
    found: Places = np.arange(size, dtype=np.int64) * step % size
    return found


class Draws:
    """Places of units, drawn with replacement from `size` of them, for one block."""

    def __init__(self, seed: int, block: int, size: int) -> None:
        """`size`: units, from 2 to 2^32 - 1."""
        self._bits = block_bits(seed, block)
        self._size, self._size32 = np.uint64(size), np.uint32(size)
        self._threshold = (2**WORD - size) % size
        self._shift, self._low = np.uint64(WORD), np.uint64(2**WORD - 1)
        self._left: Places = np.empty(0, dtype=np.int64)
        self._products = np.empty(0, dtype=np.uint64)
        self._lows = np.empty(0, dtype=np.uint32)

    def take(self, count: int) -> Places:
        """Return the next `count` places, (count,) int64 in [0, size), in any order among them.

        They are good until the next call.
        """
        kept = len(self._left)
        if kept > 1 or kept >= count:
            return self.take_in_order(count)
        words = (count - kept + 1) // 2
        raw = self._bits.random_raw(words)
        if self._is_biased(raw):
            self._left = np.concatenate([self._left, self._ordered(raw)])
            return self.take_in_order(count)
        # One place may be left from before, and one remain: both halves of a word count.
        places = self._room(2 * words + 1)
        places[:kept] = self._left
        self._places(raw, places[kept : kept + words], places[kept + words : kept + 2 * words])
        self._left = places[count : kept + 2 * words].copy()
        return places[:count]

    def take_in_order(self, count: int) -> Places:
        """Return the next `count` places in the order in which they are drawn."""
        while len(self._left) < count:
            words = (count - len(self._left) + 1) // 2
            more = self._ordered(self._bits.random_raw(words))
            self._left = np.concatenate([self._left, more])
        drawn, self._left = self._left[:count], self._left[count:].copy()
        return drawn

    def _is_biased(self, raw: npt.NDArray[np.uint64]) -> bool:
        """Whether Lemire's method drops a number, whose low half would favour some places."""
        if not self._threshold:
            return False
        if len(self._lows) < 2 * len(raw):
            self._lows = np.empty(2 * len(raw), dtype=np.uint32)
        lows = np.multiply(raw.view(np.uint32), self._size32, out=self._lows[: 2 * len(raw)])
        return bool(lows.min() < self._threshold)

    def _ordered(self, raw: npt.NDArray[np.uint64]) -> Places:
        """Return the places of 64-bit words in order, low half first, without those dropped."""
        products = np.empty(2 * len(raw), dtype=np.uint64)
        np.bitwise_and(raw, self._low, out=products[0::2])
        np.right_shift(raw, self._shift, out=products[1::2])
        products *= self._size
        fair = (products & self._low) >= self._threshold
        found: Places = (products[fair] >> self._shift).view(np.int64)
        return found

    def _places(self, raw: npt.NDArray[np.uint64], low: Places, high: Places) -> None:
        for half, out in ((np.bitwise_and, low), (np.right_shift, high)):
            room = out.view(np.uint64)
            half(raw, self._low if half is np.bitwise_and else self._shift, out=room)
            room *= self._size
            room >>= self._shift

    def _room(self, count: int) -> Places:
        # Fresh pages cost more than the numbers.
        if len(self._products) < count:
            self._products = np.empty(count, dtype=np.uint64)
        return self._products.view(np.int64)
