"""What is asked of `serve`, and when a child can still answer for it."""

from dataclasses import replace
from typing import Any

import pytest

from hokusai.runner.spec import Spec, read_spec

SPEC = Spec("rev_a", "prj_a", "a" * 64, 1 << 30)


def test_a_spec_travels_as_json() -> None:
    assert read_spec(SPEC.to_wire()) == SPEC


def test_a_converted_model_is_loaded_and_both_are_proven() -> None:
    assert (SPEC.loaded_digest, SPEC.digests) == ("a" * 64, ("a" * 64,))
    converted = replace(SPEC, converted_digest="b" * 64)
    assert (converted.loaded_digest, converted.digests) == ("b" * 64, ("a" * 64, "b" * 64))


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"idle_s": 5.0}, False),
        ({"deadline_s": 5.0}, False),
        ({"tree_digest": "c" * 64}, True),
        ({"converted_digest": "c" * 64}, True),
        ({"memory_bytes": 1 << 29}, True),
        ({"latency_budget_ms": 3.0}, True),
        ({"project": "prj_b"}, True),
    ],
)
def test_only_what_a_child_was_started_with_needs_another(
    change: dict[str, Any], needs: bool
) -> None:
    assert SPEC.needs_another_child(replace(SPEC, **change)) is needs


@pytest.mark.parametrize("change", [{"memory_bytes": "much"}, {"idle_s": "long"}])
def test_what_is_no_spec_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"could not convert|invalid literal"):
        read_spec(SPEC.to_wire() | change)
    with pytest.raises(KeyError):
        read_spec({"key": "rev_a"})
