"""Public identifiers: a prefix that names the kind, and a UUIDv7 (RFC 9562) that sorts by time."""

import secrets
import time
from functools import partial

_RANDOM_BITS = 74


def new_id(prefix: str) -> str:
    """`prefix_` and 32 hexadecimal digits, unguessable in 74 bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(_RANDOM_BITS)
    high, low = random >> 62, random & ((1 << 62) - 1)
    value = (milliseconds << 80) | (7 << 76) | (high << 64) | (2 << 62) | low
    return f"{prefix}_{value:032x}"


def id_factory(prefix: str) -> "partial[str]":
    """A default for a model field, which migrations can name."""
    return partial(new_id, prefix)


def kind_of(public_id: str) -> str:
    """The prefix of a public id; empty where there is none."""
    return public_id.rpartition("_")[0]
