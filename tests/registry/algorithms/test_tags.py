from datetime import UTC, date, datetime
from typing import Any

import pytest

from registry.algorithms.tags import TypedTag, typed, typed_all


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("plain", "", TypedTag("text", "plain", None)),
        ("2026-01-01", "", TypedTag("text", "2026-01-01", None)),
        ("Größe 日本", "", TypedTag("text", "Größe 日本", None)),
        ("e\u0301", "", TypedTag("text", "é", None)),
        (3, "", TypedTag("number", "3", 3.0)),
        (0.1, "", TypedTag("number", "0.1", 0.1)),
        (-0.0, "", TypedTag("number", "0", 0.0)),
        ("1e3", "number", TypedTag("number", "1000", 1000.0)),
        (True, "", TypedTag("boolean", "true", 1.0)),
        ("no", "boolean", TypedTag("boolean", "false", 0.0)),
        ("1970-01-02", "date", TypedTag("date", "1970-01-02", 86_400.0)),
        (date(1970, 1, 2), "", TypedTag("date", "1970-01-02", 86_400.0)),
        ("1970-01-01T02:00:00+02:00", "date", TypedTag("date", "1970-01-01T00:00:00Z", 0.0)),
        ("1970-01-01T00:00:01", "date", TypedTag("date", "1970-01-01T00:00:01Z", 1.0)),
        (datetime(1970, 1, 1, tzinfo=UTC), "", TypedTag("date", "1970-01-01T00:00:00Z", 0.0)),
    ],
)
def test_a_tag_has_one_canonical_text(value: Any, kind: str, expected: TypedTag) -> None:
    assert typed("key", value, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        (None, "", "a value is"),
        ([1], "", "a value is"),
        ("x" * 5_001, "", "more than 5000"),
        ("a\x00b", "", "zero byte"),
        (float("nan"), "", "finite"),
        (10**400, "", "no number"),
        ("many", "number", "no number"),
        (True, "number", "no number"),
        (1, "text", "no text"),
        ("maybe", "boolean", "true or false"),
        ("31.1.2026", "date", "ISO 8601"),
        ("2026-13-01", "date", "ISO 8601"),
        (20260101, "date", "ISO 8601"),
        ("0001-01-01T00:00:00+23:00", "date", "beyond the calendar"),
        ("x", "colour", "none of"),
    ],
)
def test_a_refused_tag_names_its_key(value: Any, kind: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"'season'.*{reason}"):
        typed("season", value, kind)


@pytest.mark.parametrize("key", ["", " padded", "new\nline", "k" * 251])
def test_a_key_is_short_and_printable(key: str) -> None:
    with pytest.raises(ValueError, match="tag key"):
        typed(key, "x")


def test_many_tags_are_read_with_and_without_kinds() -> None:
    found = typed_all({"owner": "ml", "since": {"value": "2026-01-01", "kind": "date"}})
    assert [tag.kind for tag in found.values()] == ["text", "date"]


def test_ten_thousand_tags_are_too_many() -> None:
    with pytest.raises(ValueError, match="10000 tags are too many"):
        typed_all({str(number): "x" for number in range(10_000)})


def test_two_spellings_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        typed_all({"é": 1, "e\u0301": 2})


@pytest.mark.parametrize("stated", [{"kind": "date"}, {"value": 1, "more": 2}])
def test_an_object_that_is_no_tag_is_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="holds `value`"):
        typed_all({"key": stated})
