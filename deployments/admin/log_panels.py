"""What the prediction log shows of a deployment: charts, and what failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from deployments import board_cells
from deployments.models import Deployment
from deployments.prediction_log import reports
from deployments.prediction_log.reports import Bucket, Logged
from hokusai.web import markup
from hokusai.web.panels import Panel, chart, table

FAILED_SHOWN: Final = 6
RANGE: Final = "range"
Rows = Sequence[Sequence[Any]]
# Name, how long, in how many parts, how the ends of the parts are written.
RANGES = (
    ("1h", "hour", timedelta(hours=1), 30, "%H:%M"),
    ("24h", "24 hours", timedelta(hours=24), 48, "%H:%M"),
    ("7d", "7 days", timedelta(days=7), 56, "%-d %b %H:%M"),
)


def charts(deployment: Deployment, asked: str) -> tuple[Panel, Panel]:
    """Latency, and requests with errors, over one of the spans of time; the shortest for others."""
    name, words, span, parts, form = next((one for one in RANGES if one[0] == asked), RANGES[0])
    now = timezone.now()
    buckets = reports.series(deployment, now - span, now, parts)
    asked_at_all = any(bucket.requests for bucket in buckets)
    empty = "" if asked_at_all else f"The log holds no prediction of the last {words}."
    drawn = Drawn(buckets, [_at(bucket.at, form) for bucket in buckets], empty, _ranges(name))
    return _latency(drawn), _requests(drawn)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What two charts over the same time share."""

    buckets: list[Bucket]
    labels: list[str]
    empty: str
    hint: SafeString

    def chart(
        self, title: str, kind: str, data: Mapping[str, Any], headers: Sequence[str], rows: Rows
    ) -> Panel:
        """One of them, half as wide as the page."""
        return chart(
            title,
            kind,
            {"labels": self.labels, **data},
            key=kind,
            empty=self.empty,
            headers=headers,
            rows=[row for row, bucket in zip(rows, self.buckets, strict=True) if bucket.requests],
            hint=self.hint,
            wide=False,
        )


def _latency(drawn: Drawn) -> Panel:
    p50 = [_ms(bucket.p50_ms) for bucket in drawn.buckets]
    p95 = [_ms(bucket.p95_ms) for bucket in drawn.buckets]
    series = [
        {"name": "p50", "tone": "accent", "values": p50},
        {"name": "p95", "tone": "warning", "values": p95},
    ]
    rows = list(zip(drawn.labels, p50, p95, strict=True))
    data = {"unit": "ms", "series": series}
    return drawn.chart("Latency", "lines", data, ("From", "p50 (ms)", "p95 (ms)"), rows)


def _requests(drawn: Drawn) -> Panel:
    errors = [round(bucket.errors) for bucket in drawn.buckets]
    answered = [round(bucket.requests - bucket.errors) for bucket in drawn.buckets]
    series = [
        {"name": "answered", "tone": "accent", "values": answered},
        {"name": "errors", "tone": "danger", "values": errors},
    ]
    rows = list(zip(drawn.labels, answered, errors, strict=True))
    data = {"unit": "requests", "stacked": True, "series": series}
    return drawn.chart("Requests and errors", "columns", data, ("From", "Answered", "Errors"), rows)


def _at(at: datetime, form: str) -> str:
    return at.astimezone(timezone.get_default_timezone()).strftime(form)


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _ranges(chosen: str) -> SafeString:
    """Links to the other spans of time."""
    return format_html_join(
        " ",
        '<a class="hk-range" href="?range={}" aria-current="{}">{}</a>',
        ((name, "true" if name == chosen else "false", words) for name, words, *_ in RANGES),
    )


def failed(deployment: Deployment) -> Panel:
    entries = reports.recent(deployment, FAILED_SHOWN, only_errors=True)
    link = reverse("admin:deployments_predictionlog_changelist")
    return table(
        "Latest failed predictions",
        ("When", "Status", "Code", "Rows", "Took"),
        [
            (
                markup.link(markup.moment(entry.at), _page(entry)),
                entry.status,
                markup.mono(entry.code),
                entry.rows,
                f"{board_cells.ms(entry.total_ms)} ms",
            )
            for entry in entries
        ],
        empty="None in the log.",
        hint=markup.link("All predictions in the log", f"{link}?deployment={deployment.public_id}"),
        wide=False,
    )


def _page(entry: Logged) -> str:
    return reverse("admin:deployments_predictionlog_change", args=[entry.id])
