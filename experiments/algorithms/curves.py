"""Fewer points for the same picture."""

from collections.abc import Sequence

Point = tuple[int, int, float]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` of the points (step, time, value), in order.

    Each of `most` / 2 equal stretches keeps its lowest and its highest value, so that no peak is
    lost; the first and the last point stay.
    """
    if len(points) <= most:
        return list(points)
    stretches = max(1, most // 2)
    kept = {0, len(points) - 1}
    for index in range(stretches):
        start = index * len(points) // stretches
        end = (index + 1) * len(points) // stretches
        places = range(start, end)
        kept.add(min(places, key=lambda place: points[place][2]))
        kept.add(max(places, key=lambda place: points[place][2]))
    return [points[place] for place in sorted(kept)]
