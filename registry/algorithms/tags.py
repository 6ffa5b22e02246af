"""Typed tags: a key with a text, a number, a boolean or a date."""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final, Literal, TypeAlias, get_args

TagKind: TypeAlias = Literal["text", "number", "boolean", "date"]

KINDS: Final[tuple[str, ...]] = get_args(TagKind)
MAX_KEY: Final = 250
MAX_TEXT: Final = 5_000
MAX_TAGS: Final = 200

_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no"})


@dataclass(frozen=True, slots=True)
class TypedTag:
    """`text`: the canonical form; `number`: what ranges compare, None for text.

    A boolean's number is 0 or 1, a date's is its POSIX time in seconds (UTC).
    """

    kind: TagKind
    text: str
    number: float | None


def typed(key: str, value: Any, kind: str = "") -> TypedTag:
    """Read one tag; without `kind` a JSON value's own type decides, and a text stays a text.

    Raises ValueError, whose message names the key.
    """
    name = check_key(key)
    chosen = kind or _inferred(name, value)
    if chosen not in KINDS:
        raise ValueError(f"Tag {name!r}: the kind {kind!r} is none of {', '.join(KINDS)}.")
    readers = {"text": _text, "number": _number, "boolean": _boolean, "date": _date}
    return readers[chosen](name, value)


def typed_all(tags: Mapping[str, Any], *, limit: int = MAX_TAGS) -> dict[str, TypedTag]:
    """Read many tags, each a value or {"value": …, "kind": …}.

    Raises ValueError: more than `limit`, two keys that are one, or a tag that cannot be read.
    """
    if len(tags) > limit:
        raise ValueError(f"{len(tags)} tags are too many; at most {limit} are kept.")
    found: dict[str, TypedTag] = {}
    for key, stated in tags.items():
        value, kind = _unfolded(key, stated)
        name = check_key(key)
        if name in found:
            raise ValueError(f"Tag {name!r} appears twice.")
        found[name] = typed(name, value, kind)
    return found


def check_key(key: str) -> str:
    """The key in NFC. Raises ValueError for one that is empty, too long or not printable."""
    name = unicodedata.normalize("NFC", key) if isinstance(key, str) else ""
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError(f"The tag key {str(key)[:40]!r} is empty, padded or not printable.")
    if len(name) > MAX_KEY:
        raise ValueError(f"The tag key {name[:40]!r}… has more than {MAX_KEY} characters.")
    return name


def _unfolded(key: str, stated: Any) -> tuple[Any, str]:
    if not isinstance(stated, Mapping):
        return stated, ""
    if not set(stated) <= {"value", "kind"} or "value" not in stated:
        raise ValueError(f"Tag {key!r}: an object holds `value` and perhaps `kind`.")
    kind = stated.get("kind") or ""
    return stated["value"], kind if isinstance(kind, str) else "?"


def _inferred(key: str, value: Any) -> TagKind:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, date):
        return "date"
    if isinstance(value, str):
        return "text"
    raise ValueError(f"Tag {key!r}: a value is a text, a number, a boolean or a date.")


def _text(key: str, value: Any) -> TypedTag:
    if not isinstance(value, str):
        raise ValueError(f"Tag {key!r}: {value!r:.60} is no text.")  # noqa: TRY004
    text = unicodedata.normalize("NFC", value)
    if len(text) > MAX_TEXT:
        raise ValueError(f"Tag {key!r}: the text has more than {MAX_TEXT} characters.")
    if "\x00" in text:
        raise ValueError(f"Tag {key!r}: the text holds a zero byte.")
    return TypedTag("text", text, None)


def _number(key: str, value: Any) -> TypedTag:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"Tag {key!r}: {value!r:.60} is no number.")  # noqa: TRY004
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"Tag {key!r}: {str(value)[:60]!r} is no number.") from error
    if not math.isfinite(number):
        raise ValueError(f"Tag {key!r}: a number is finite.")
    number = number or 0.0
    whole = number.is_integer() and abs(number) < 2**53
    return TypedTag("number", str(int(number)) if whole else repr(number), number)


def _boolean(key: str, value: Any) -> TypedTag:
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if word in _TRUE:
        return TypedTag("boolean", "true", 1.0)
    if word in _FALSE:
        return TypedTag("boolean", "false", 0.0)
    raise ValueError(f"Tag {key!r}: a boolean is true or false, not {value!r:.60}.")


def _date(key: str, value: Any) -> TypedTag:
    """A day stays a day; a time is written in UTC, and is UTC where it names no zone."""
    moment = _parsed(key, value)
    if not isinstance(moment, datetime):
        start = datetime.combine(moment, time.min, tzinfo=UTC)
        return TypedTag("date", moment.isoformat(), start.timestamp())
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"Tag {key!r}: {value!r:.60} is beyond the calendar.") from error
    return TypedTag("date", moment.isoformat().replace("+00:00", "Z"), moment.timestamp())


def _parsed(key: str, value: Any) -> date:
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - one error for every refused tag
            f"Tag {key!r}: a date is written as in ISO 8601, not {value!r:.60}."
        )
    text = value.strip()
    try:
        return (
            date.fromisoformat(text)
            if len(text) <= len("2026-01-01")
            else datetime.fromisoformat(text)
        )
    except ValueError as error:
        raise ValueError(
            f"Tag {key!r}: {value[:60]!r} is no date as in ISO 8601, such as 2026-01-31."
        ) from error
