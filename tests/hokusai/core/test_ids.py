import re
import time

import pytest

from hokusai.core import ids


def test_an_id_is_a_prefix_and_a_version_7_uuid() -> None:
    assert re.fullmatch(r"mdv_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", ids.new_id("mdv"))


def test_ids_made_later_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_800_000_000_000_000_000, 1_800_000_000_000_000_000 + 10**10, 10**6))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    made = [ids.new_id("mdv") for _ in range(1000)]
    assert made == sorted(made)


def test_ids_of_one_millisecond_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    assert len({ids.new_id("mdv") for _ in range(1000)}) == 1000


def test_the_largest_random_part_stays_within_its_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.secrets, "randbits", lambda bits: (1 << bits) - 1)
    assert re.fullmatch(r"x_[0-9a-f]{12}7fffbfffffffffffffff", ids.new_id("x"))


@pytest.mark.parametrize(
    ("public_id", "kind"),
    [("dsv_0198", "dsv"), ("no-prefix", ""), ("", ""), ("two_parts_0198", "two_parts")],
)
def test_the_kind_of_an_id_is_its_prefix(public_id: str, kind: str) -> None:
    assert ids.kind_of(public_id) == kind


def test_a_factory_makes_ids_of_its_prefix() -> None:
    assert ids.id_factory("mdl")().startswith("mdl_")
