"""What the prediction log shows of a deployment: charts, what failed, the last predictions."""

from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from deployments import board_cells
from deployments.models import Deployment
from deployments.prediction_log import reports
from deployments.prediction_log.reports import Logged
from hokusai.web import markup
from hokusai.web.panels import Panel, chart, table

FAILED_SHOWN: Final = 6
RANGE: Final = "range"
# Name, how long, in how many parts, how the ends of the parts are written.
RANGES = (
    ("1h", "hour", timedelta(hours=1), 30, "%H:%M"),
    ("24h", "24 hours", timedelta(hours=24), 48, "%H:%M"),
    ("7d", "7 days", timedelta(days=7), 56, "%-d %b %H:%M"),
)


def charts(deployment: Deployment, asked: str) -> tuple[Panel, Panel]:
    name, words, span, parts, form = next((one for one in RANGES if one[0] == asked), RANGES[0])
    now = timezone.now()
    buckets = reports.series(deployment, now - span, now, parts)
    labels = [_at(bucket.at, form) for bucket in buckets]
    asked_at_all = any(bucket.requests for bucket in buckets)
    empty = "" if asked_at_all else f"The log holds no prediction of the last {words}."
    return (
        chart(
            "Latency",
            "lines",
            {
                "labels": labels,
                "unit": "ms",
                "series": [
                    {"name": "p50", "tone": "accent", "values": [_ms(b.p50_ms) for b in buckets]},
                    {"name": "p95", "tone": "warning", "values": [_ms(b.p95_ms) for b in buckets]},
                ],
            },
            key="latency",
            empty=empty,
            headers=("From", "p50 (ms)", "p95 (ms)"),
            rows=[(_at(b.at, form), _ms(b.p50_ms), _ms(b.p95_ms)) for b in buckets if b.requests],
            hint=_ranges(name),
            wide=False,
        ),
        chart(
            "Requests and errors",
            "columns",
            {
                "labels": labels,
                "unit": "requests",
                "stacked": True,
                "series": [
                    {
                        "name": "answered",
                        "tone": "accent",
                        "values": [round(b.requests - b.errors) for b in buckets],
                    },
                    {
                        "name": "errors",
                        "tone": "danger",
                        "values": [round(b.errors) for b in buckets],
                    },
                ],
            },
            key="requests",
            empty=empty,
            headers=("From", "Requests", "Errors"),
            rows=[
                (_at(b.at, form), round(b.requests), round(b.errors)) for b in buckets if b.requests
            ],
            hint=_ranges(name),
            wide=False,
        ),
    )


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
