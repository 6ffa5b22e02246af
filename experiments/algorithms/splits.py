"""Which rows are kept to confirm: chosen by a secret, the same for rows that belong together.

A row's key names its cluster or, without clusters, its inputs. Keys are ordered by
`HMAC-SHA256(salt, key)`; the first `share` of them are kept. Nobody without the salt can tell
which rows those are, and rows that share a key are never on both sides.
"""

import hmac
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

PPM: Final = 1_000_000
DEFAULT_SHARE_PPM: Final = 300_000
# By default rows are kept back only where either side still has enough to show something.
MINIMUM_KEPT_ROWS: Final = 100
MINIMUM_KEPT_CLUSTERS: Final = 30


def kept_for_confirmation(
    keys: Sequence[bytes], salt: bytes, share_ppm: int
) -> npt.NDArray[np.bool_]:
    """Return (n,) whether each row is kept to confirm.

    Args:
        keys: (n,) what each row belongs to.
        salt: the benchmark's secret.
        share_ppm: millionths of the different keys that are kept, rounded to a whole key.
    """
    different = set(keys)
    ranked = sorted(different, key=lambda key: (hmac.digest(salt, key, "sha256"), key))
    kept = set(ranked[: kept_count(len(different), share_ppm)])
    return np.fromiter((key in kept for key in keys), dtype=np.bool_, count=len(keys))


def kept_count(units: int, share_ppm: int) -> int:
    """Return how many of `units` rows or clusters are kept to confirm."""
    return (units * share_ppm + PPM // 2) // PPM


def default_share(units: int, *, clustered: bool) -> int:
    """Return 30 % where that keeps at least 100 rows, or 30 clusters; else none, in millionths."""
    least = MINIMUM_KEPT_CLUSTERS if clustered else MINIMUM_KEPT_ROWS
    return DEFAULT_SHARE_PPM if kept_count(units, DEFAULT_SHARE_PPM) >= least else 0
