"""The random numbers of resampling, specified so that anyone can repeat them.

docs/statistics.md has the specification in words: PCG64 (XSL-RR, O'Neill 2014) whose state is set
from SHA-256 of seed and block, and bounded integers by Lemire's method on 32 bits (2019).
"""

import hashlib

import numpy as np

BLOCK = 100
DOMAIN = b"hokusai-resample-v1"


def block_generator(seed: int, block: int) -> np.random.Generator:
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
    return np.random.Generator(bits)
