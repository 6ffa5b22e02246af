import pytest

from registry.algorithms.merging import Clash, Merged, governed, three_way


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ({"a": "1"}, {"a": "1"}, {"a": "1"}, Merged()),
        ({"a": "1"}, {"a": "2"}, {"a": "1"}, Merged(push={"a": "2"})),
        ({"a": "1"}, {"a": "1"}, {"a": "2"}, Merged(adopt={"a": "2"})),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}, Merged()),
        ({"a": "1"}, {}, {"a": "1"}, Merged(push={"a": None})),
        ({"a": "1"}, {"a": "1"}, {}, Merged(adopt={"a": None})),
        ({}, {"a": "1"}, {}, Merged(push={"a": "1"})),
        ({}, {}, {"a": "1"}, Merged(adopt={"a": "1"})),
    ],
)
def test_what_one_side_changed_goes_to_the_other(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str], expected: Merged
) -> None:
    assert three_way(base, ours, theirs) == expected


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [("1", "2", "3"), (None, "2", "3"), ("1", None, "3"), ("1", "2", None)],
)
def test_of_what_both_changed_theirs_is_adopted(
    base: str | None, ours: str | None, theirs: str | None
) -> None:
    sides = [{} if value is None else {"a": value} for value in (base, ours, theirs)]
    merged = three_way(*sides)
    assert merged == Merged(adopt={"a": theirs}, clashes=[Clash("a", base, ours, theirs)])


def test_merging_again_finds_nothing_to_do() -> None:
    base, ours, theirs = {"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "1", "b": "3"}
    merged = three_way(base, ours, theirs)
    both = {"a": "2", "b": "3"}
    assert (merged.push, merged.adopt) == ({"a": "2"}, {"b": "3"})
    assert three_way(both, both, both) == Merged()


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "clashes"),
    [
        ("1", "2", "1", 0),
        ("1", "1", "2", 1),
        ("1", "2", "3", 1),
        ("1", "1", None, 1),
        (None, None, "1", 1),
        ("1", None, "1", 0),
    ],
)
def test_what_is_ours_is_put_back_whatever_happened(
    base: str | None, ours: str | None, theirs: str | None, clashes: int
) -> None:
    sides = [{} if value is None else {"a": value} for value in (base, ours, theirs)]
    merged = governed(*sides)
    assert (merged.push, merged.adopt, len(merged.clashes)) == ({"a": ours}, {}, clashes)
