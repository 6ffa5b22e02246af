import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai.core.canonical import (
    CanonicalError,
    canonical_bytes,
    parse_canonical,
    parse_strict,
    sha256_hex,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(values)
def test_the_canonical_form_parses_back_to_the_value(value: Any) -> None:
    assert parse_canonical(canonical_bytes(value)) == value


def test_keys_are_sorted_by_utf16_and_nothing_is_padded() -> None:
    value = {"\ufb33": 1, "\U0001f600": 2, "b": [True, None], "a": "\u20ac\n"}

    expected = '{"a":"\u20ac\\n","b":[true,null],"\U0001f600":2,"\ufb33":1}'

    assert canonical_bytes(value) == expected.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), 2**53, -(2**53), {1: 2}, {"a": b"x"}, [(1,)], "\ud800", {"a": [0.5]}],
)
def test_what_is_not_exact_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical_bytes(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b"1.0",
        b"1e3",
        b"-0",
        b"NaN",
        b"9007199254740992",
        b"9" * 5000,
        b'"\\u0061"',
        b'"\\ud800"',
        b"\xff",
        b"\xef\xbb\xbf1",
        b"",
        b"1 ",
        b"[" * 100_000,
    ],
)
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(CanonicalError):
        parse_canonical(data)


def test_a_deep_value_is_refused_and_does_not_crash() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(CanonicalError):
        canonical_bytes(value)


def test_strict_parsing_allows_layout_but_no_duplicates() -> None:
    assert parse_strict(json.dumps({"a": [1, 2]}, indent=2).encode()) == {"a": [1, 2]}
    with pytest.raises(CanonicalError):
        parse_strict(b'{"a": {"b": 1, "b": 2}}')


def test_sha256_is_lower_case_hexadecimal() -> None:
    assert sha256_hex(b"abc").startswith("ba7816bf8f01cfea")
