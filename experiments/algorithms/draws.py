"""The random numbers of resampling, specified so that anyone can repeat them.

docs/statistics.md has the specification in words: PCG64 (XSL-RR, O'Neill 2014) whose state is set
from SHA-256 of seed and block, and bounded integers by Lemire's method on 32 bits (2019). That is
what `Generator.integers(0, n)` gives on this state; a whole array at a time it takes half as long.
"""

import hashlib

import numpy as np
import numpy.typing as npt

BLOCK = 100
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


class Draws:
    """Places of units, drawn with replacement from `size` of them, for one block."""

    def __init__(self, seed: int, block: int, size: int) -> None:
        """`size`: units, from 2 to 2^32 - 1."""
        self._bits = block_bits(seed, block)
        self._size = np.uint64(size)
        self._threshold = (2**WORD - size) % size
        self._shift, self._low = np.uint64(WORD), np.uint64(2**WORD - 1)
        self._left: Places = np.empty(0, dtype=np.int64)
        self._products = np.empty(0, dtype=np.uint64)

    def take(self, count: int) -> Places:
        """Return the next `count` places, (count,) int64 in [0, size), good until the next call."""
        if not len(self._left) and count % 2 == 0:
            drawn = self._fresh(count // 2)
            if len(drawn) == count:
                return drawn
            self._left = drawn.copy()
        while len(self._left) < count:
            missing = count - len(self._left)
            self._left = np.concatenate([self._left, self._fresh((missing + 1) // 2)])
        drawn, self._left = self._left[:count], self._left[count:]
        return drawn

    def _fresh(self, words: int) -> Places:
        """Return the places that `words` outputs of 64 bits give, low half first.

        They lie in a buffer that the next call overwrites: fresh pages cost more than the numbers.
        """
        raw = self._bits.random_raw(words)
        if len(self._products) < 2 * words:
            self._products = np.empty(2 * words, dtype="<u8")
        products = self._products[: 2 * words]
        np.bitwise_and(raw, self._low, out=products[0::2])
        np.right_shift(raw, self._shift, out=products[1::2])
        products *= self._size
        lows = products.view("<u4")[::2]
        if self._threshold and int(lows.min()) < self._threshold:
            # Lemire's method drops a number whose low half would favour some places.
            products = products[lows >= self._threshold]
        products >>= self._shift
        return products.view(np.int64)
