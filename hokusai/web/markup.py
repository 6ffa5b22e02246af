"""Small pieces of HTML that lists and pages of the console share; everything is escaped."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

NOTHING = mark_safe('<span class="hk-nothing">—</span>')
_TONES = {
    "success": "ready synced confirmed production approved accepted used signed live active "
    "succeeded usable owner passed verified",
    "warning": "pending copying staging requested received draft starting queued conflict reviewer "
    "unconfirmed",
    "info": "development running engineer public read write predict",
    "danger": "failed refused revoked expired",
}
_TONE_OF = {word: tone for tone, words in _TONES.items() for word in words.split()}
PPM = 1_000_000
PPM_PER_POINT = 10_000
# Metrics whose differences are read in percentage points.
PROPORTIONS = frozenset({"accuracy", "balanced_accuracy", "f1", "auroc"})


def tone_of(state: str) -> str:
    """The colour that a state is shown in: success, warning, info, danger or quiet."""
    return _TONE_OF.get(str(state), "quiet")


def badge(state: str, tone: str = "") -> SafeString:
    """A state as a coloured label."""
    return format_html('<span class="hk-badge hk-{}">{}</span>', tone or tone_of(state), str(state))


def link(text: object, href: str) -> SafeString:
    """A link within the console."""
    return format_html('<a class="hk-link" href="{}">{}</a>', href, text)


def object_link(obj: Any, text: object = "") -> SafeString:
    """A link to an object's page; a dash for none."""
    if obj is None:
        return NOTHING
    return link(text or obj, object_url(obj))


def found_link(text: object, public_id: str) -> SafeString:
    """A link to whatever a public id names."""
    return link(text, reverse("admin:find", args=[public_id]))


def object_url(obj: Any) -> str:
    """Where an object's page of the console is."""
    return reverse(
        f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change",  # noqa: SLF001
        args=[obj.pk],
    )


def mono(text: str, keep: int = 0) -> SafeString:
    """Text of machines, cut to `keep` characters with the whole beside it on hover."""
    if not text:
        return NOTHING
    shown = f"{text[:keep]}…" if keep and len(text) > keep else text
    return format_html('<code class="hk-code" title="{}">{}</code>', text, shown)


def lines(texts: Iterable[object]) -> SafeString:
    """Short texts below each other; a dash for none."""
    return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in texts)) or NOTHING


def cut(text: str, keep: int) -> SafeString:
    """Text of people, cut to `keep` characters with the whole beside it on hover."""
    shown = f"{text[:keep]}…" if len(text) > keep else text
    return format_html('<span title="{}">{}</span>', text, shown)


def moment(at: datetime | None) -> SafeString:
    """A time in UTC, to the minute, exact on hover."""
    if at is None:
        return NOTHING
    utc = at.astimezone(timezone.get_default_timezone())
    exact = utc.isoformat(timespec="seconds")
    return format_html(
        '<time datetime="{0}" title="{0}">{1}</time>', exact, date_format(utc, "j M Y, H:i")
    )


def points(ppm: int | None) -> str:
    """A difference in percentage points, signed; a dash for none."""
    return "—" if ppm is None else f"{ppm / PPM_PER_POINT:+.2f} pp"


def allowance(ppm: int, metric: str) -> str:
    """How much worse a metric may get, without a sign."""
    return gain(ppm, metric).removeprefix("+")


def unit_of_gain(metric: str) -> str:
    """What a gain of a metric is counted in."""
    return "percentage points" if metric in PROPORTIONS else f"units of {metric or 'the metric'}"


def in_units(ppm: int, metric: str) -> float:
    """A gain in the unit that it is counted in, for drawings."""
    return round(ppm / (PPM_PER_POINT if metric in PROPORTIONS else PPM), 4)


def ppm_per_unit(metric: str) -> int:
    """Millionths in one of what a person states of a metric: a percentage point, or its unit."""
    return PPM_PER_POINT if metric in PROPORTIONS else PPM


def gain(ppm: int | None, metric: str) -> str:
    """A gain of a metric: percentage points for proportions, its own unit for others."""
    if ppm is None or metric in PROPORTIONS:
        return points(ppm)
    return f"{ppm / PPM:+.4f}"


def score(ppm: int | None, metric: str) -> str:
    """A metric's value: percent for proportions, its own unit for others."""
    if ppm is None or metric in PROPORTIONS:
        return percent(ppm)
    return f"{ppm / PPM:.4f}"


def percent(ppm: int | None) -> str:
    """A proportion in percent; a dash for none."""
    return "—" if ppm is None else f"{ppm / PPM_PER_POINT:.2f} %"


def progress(percent_done: int, tone: str = "info") -> SafeString:
    """How far something is, as a bar with its number."""
    return format_html(
        '<span class="hk-progress hk-{0}"><progress max="100" value="{1}">{1} %</progress>'
        "<span>{1} %</span></span>",
        tone,
        percent_done,
    )


def size(size_bytes: int | None) -> str:
    """Bytes as people read them; a dash for none."""
    return "—" if size_bytes is None else str(filesizeformat(size_bytes))
