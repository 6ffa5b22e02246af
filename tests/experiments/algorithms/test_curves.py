from experiments.algorithms.curves import thinned


def test_few_points_stay_as_they_are() -> None:
    points = [(step, step, float(step)) for step in range(10)]
    assert thinned(points, 10) == points
    assert thinned([], 10) == []


def test_many_points_are_thinned_in_order_with_ends_and_peaks() -> None:
    points = [(step, step, 0.0) for step in range(10_000)]
    points[4_321], points[7_777] = (4_321, 4_321, 9.0), (7_777, 7_777, -9.0)
    found = thinned(points, 100)
    assert len(found) <= 102
    assert found == sorted(found)
    assert {points[0], points[-1], points[4_321], points[7_777]} <= set(found)
