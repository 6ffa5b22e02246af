"""Bringing two sides of named values in step, from what both last agreed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Values: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that both sides changed, each to something else; None where it is absent."""

    field: str
    base: str | None
    ours: str | None
    theirs: str | None


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be written where; None removes. In a clash theirs is adopted."""

    adopt: dict[str, str | None] = field(default_factory=dict)
    push: dict[str, str | None] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)


def three_way(base: Values, ours: Values, theirs: Values) -> Merged:
    """Fields that one side alone changed go to the other; of those that both did, theirs wins."""
    merged = Merged()
    for key in sorted({*base, *ours, *theirs}):
        was, here, there = base.get(key), ours.get(key), theirs.get(key)
        if here == there:
            continue
        if there == was:
            merged.push[key] = here
            continue
        merged.adopt[key] = there
        if here != was:
            merged.clashes.append(Clash(key, was, here, there))
    return merged


def governed(base: Values, ours: Values, theirs: Values) -> Merged:
    """Fields that are ours alone: whatever differs is put back.

    A clash is what theirs changed against the base; what only ours did is no clash.
    """
    merged = Merged()
    for key in sorted({*base, *ours, *theirs}):
        was, here, there = base.get(key), ours.get(key), theirs.get(key)
        if here == there:
            continue
        merged.push[key] = here
        if there != was:
            merged.clashes.append(Clash(key, was, here, there))
    return merged
