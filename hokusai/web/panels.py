"""What a page of the console is made of; templates draw it, admin classes fill it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what an object is."""

    label: str
    value: Any
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name."""

    label: str
    value: Any
    hint: str = ""
    tone: str = "info"


@dataclass(frozen=True, slots=True)
class Panel:
    """One card of a page: a template and what it is given."""

    title: str
    template: str
    context: Mapping[str, Any]
    hint: str = ""
    wide: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that must not be missed; tone is success, warning, danger or info."""

    text: str
    tone: str = "info"


@dataclass(frozen=True, slots=True)
class Page:
    """An object's page; a panel that is None is left out."""

    title: str
    badges: Sequence[Any] = ()
    lead: str = ""
    notices: Sequence[Notice] = ()
    facts: Sequence[Fact] = ()
    panels: Sequence[Panel | None] = ()
    refresh_s: int = field(default=0)


def table(
    title: str,
    headers: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    empty: str,
    hint: str = "",
    wide: bool = True,
) -> Panel:
    """A panel of rows; `empty` says what to do where there are none."""
    context = {"headers": headers, "rows": rows, "empty": empty}
    return Panel(title, "console/panels/table.html", context, hint=hint, wide=wide)


def chart(
    title: str,
    kind: str,
    data: Mapping[str, Any],
    *,
    key: str,
    empty: str = "",
    headers: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
    hint: str = "",
    wide: bool = True,
    height_px: int = 260,
) -> Panel:
    """A panel with a drawing of `static/console/charts.js` and the table behind it.

    `key` names the script that carries the data; an empty `empty` means there is data to draw.
    """
    context = {
        "kind": kind,
        "data": data,
        "key": f"chart-{key}",
        "empty": empty,
        "headers": headers,
        "rows": rows,
        "height_px": height_px,
    }
    return Panel(title, "console/panels/chart.html", context, hint=hint, wide=wide)


def plain(title: str, text: str, *, empty: str = "", hint: str = "", wide: bool = True) -> Panel:
    """A panel of preformatted text."""
    context = {"text": text, "empty": empty}
    return Panel(title, "console/panels/plain.html", context, hint=hint, wide=wide)
