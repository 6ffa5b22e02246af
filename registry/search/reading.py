"""A search as a query of a URL states it."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from hokusai.core.errors import InvalidInput
from registry.choices import ArtifactState, Origin, SecurityLevel, Stage, SyncState, TagKind
from registry.search.criteria import (
    MAX_SIZE,
    MAX_TERMS,
    Comparison,
    MetricTerm,
    Order,
    TagTerm,
    VersionSearch,
)

MAX_PAIRS = 200
MAX_VALUE = 1000
# Parameter, field of the search, values that are known.
CHOICES: Mapping[str, tuple[str, Sequence[str]]] = {
    "stage": ("stages", Stage.values),
    "security_level": ("security_levels", SecurityLevel.values),
    "artifact_state": ("artifact_states", ArtifactState.values),
    "sync_state": ("sync_states", SyncState.values),
    "origin": ("origins", Origin.values),
}
NAMES = {"project": "projects", "model": "models", "flavor": "flavors", "licence": "licences"}
SINGLE = ("text", "dataset", "contributor", "run_id", "tree_digest")
MOMENTS = ("registered_after", "registered_before")
FILTERS = (*SINGLE, *NAMES, *CHOICES, *MOMENTS, "tag", "metric")
PAGING = ("ordering", "page_size", "cursor")
ORDERINGS = {
    "newest": Order(),
    "-created_at": Order(),
    "oldest": Order(descending=False),
    "created_at": Order(descending=False),
    "number": Order("number", descending=False),
    "-number": Order("number"),
}
DATASET = re.compile(r"ds[tv]_[0-9a-f]{32}\Z")

Given = Mapping[str, Sequence[str]]


def given_in(query: str) -> dict[str, list[str]]:
    """The parameters of a query that have a value, each with all its values.

    Raises InvalidInput for too many, or a NUL, which PostgreSQL keeps nowhere.
    """
    try:
        pairs = parse_qsl(query, errors="replace", max_num_fields=MAX_PAIRS)
    except ValueError as error:
        raise InvalidInput(f"At most {MAX_PAIRS} parameters.") from error
    given = defaultdict(list)
    for name, value in pairs:
        if "\0" in name + value or len(value) > MAX_VALUE:
            raise wrong(name.replace("\0", ""), f"At most {MAX_VALUE} letters, none of them a NUL.")
        given[name].append(value)
    return dict(given)


def read_search(given: Given, *, also: Sequence[str] = ()) -> VersionSearch:
    """The search that parameters state. Raises InvalidInput naming what is unknown or wrong.

    `also`: parameters that are the caller's own.
    """
    refuse_unknown(given, (*FILTERS, *PAGING, *also))
    fields: dict[str, Any] = {name: _single(given, name) for name in SINGLE}
    fields |= {field: tuple(given.get(name, ())) for name, field in NAMES.items()}
    for name, (field, known) in CHOICES.items():
        fields[field] = _known(name, given.get(name, ()), known)
    fields |= {name: _moment(given, name) for name in MOMENTS}
    search = VersionSearch(
        **fields,
        tags=_terms(given, "tag", _tag),
        metrics=_terms(given, "metric", _metric),
        cursor=_single(given, "cursor"),
    )
    _check(search)
    return _ordered(replace(search, size=_size(given, search.size)), given)


def refuse_unknown(given: Given, known: Sequence[str]) -> None:
    """Raises InvalidInput that names parameters nobody reads."""
    if unknown := sorted(set(given) - set(known)):
        raise InvalidInput(
            f"Unknown: {', '.join(unknown)}. Known are {', '.join(known)}.",
            fields={name: ["Unknown."] for name in unknown},
        )


def wrong(name: str, message: str) -> InvalidInput:
    """One parameter that cannot be used, named in message and context."""
    return InvalidInput(f"{name}: {message}", fields={name: [message]})


def _check(search: VersionSearch) -> None:
    if search.dataset and not DATASET.match(search.dataset):
        raise wrong("dataset", "The id of a dataset (dst_…) or of one of its versions (dsv_…).")


def _single(given: Given, name: str) -> str:
    values = given.get(name, ())
    if len(values) > 1:
        raise wrong(name, "Given more than once.")
    return values[0] if values else ""


def _known(name: str, values: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if any(value not in known for value in values):
        raise wrong(name, f"One of {', '.join(known)}.")
    return tuple(values)


def _moment(given: Given, name: str) -> datetime | None:
    text = _single(given, name)
    if not text:
        return None
    moment = _read_moment(text)
    if moment is None:
        raise wrong(name, "A date or time in ISO 8601, such as 2026-11-20 or 2026-11-20T08:00:00Z.")
    return moment


def _read_moment(text: str) -> datetime | None:
    try:
        # A plus sign that nobody escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        # In UTC, as PostgreSQL refuses offsets of 16 hours and more.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _terms(given: Given, name: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
    texts = given.get(name, ())
    if len(texts) > MAX_TERMS:
        raise wrong(name, f"At most {MAX_TERMS}.")
    return tuple(read(text) for text in texts)


def _split(name: str, text: str) -> tuple[str, Comparison, str]:
    left, equals, right = text.partition("=")
    comparison: Comparison = "="
    if left.endswith(">"):
        left, comparison = left[:-1], ">="
    elif left.endswith("<"):
        left, comparison = left[:-1], "<="
    if not equals or not left:
        raise wrong(name, "Give it as name=value, name>=number or name<=number.")
    return left, comparison, right


def _tag(text: str) -> TagTerm:
    key, comparison, value = _split("tag", text)
    if comparison == "=":
        return TagTerm(key, comparison, value)
    number = _read_number(value)
    if number is not None:
        return TagTerm(key, comparison, value, number, TagKind.NUMBER.value)
    moment = _read_moment(value)
    if moment is None:
        raise wrong("tag", f"{value[:40]!r} is neither a number nor a date.")
    return TagTerm(key, comparison, value, moment.timestamp(), TagKind.DATE.value)


def _metric(text: str) -> MetricTerm:
    name, comparison, value = _split("metric", text)
    number = _read_number(value)
    if number is None:
        raise wrong("metric", f"{value[:40]!r} is no number.")
    return MetricTerm(name, comparison, number)


def _read_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _size(given: Given, default: int) -> int:
    text = _single(given, "page_size") or str(default)
    size = int(text) if text.isascii() and text.isdecimal() and len(text) <= len("999") else 0
    if not 1 <= size <= MAX_SIZE:
        raise wrong("page_size", f"A whole number from 1 to {MAX_SIZE}.")
    return size


def _ordered(search: VersionSearch, given: Given) -> VersionSearch:
    text = _single(given, "ordering") or "newest"
    metric = text.removeprefix("-").removeprefix("metric:")
    if text.removeprefix("-") == f"metric:{metric}" and metric:
        return replace(search, order=Order("metric", text.startswith("-"), metric))
    if text not in ORDERINGS:
        raise wrong("ordering", f"One of {', '.join(ORDERINGS)}, metric:<name>, -metric:<name>.")
    order = ORDERINGS[text]
    if order.by == "number" and len(search.models) != 1:
        raise wrong("ordering", "Numbers count within one model: name it with model=.")
    return replace(search, order=order)
