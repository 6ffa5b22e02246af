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
from hokusai.web import markup
from hokusai.web.panels import Page, Panel, chart, table

FAILED_SHOWN: Final = 6
LOG_SHOWN: Final = 100
FAILED_FROM: Final = 400
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
    link = reverse("admin:deployments_deployment_log", args=[deployment.pk])
    return table(
        "Latest failed predictions",
        ("When", "Status", "Code", "Rows", "Took"),
        [
            (
                markup.moment(entry.at),
                entry.status,
                markup.mono(entry.code),
                entry.rows,
                f"{board_cells.ms(entry.total_ms)} ms",
            )
            for entry in entries
        ],
        empty="None in the log.",
        hint=markup.link("All predictions in the log", link),
        wide=False,
    )


def log_page(deployment: Deployment, *, only_errors: bool) -> Page:
    """The last predictions, as the log has them."""
    entries = reports.recent(deployment, LOG_SHOWN, only_errors=only_errors)
    other = ("All predictions", "?") if only_errors else ("Failed only", "?errors")
    panel = table(
        "Failed predictions" if only_errors else "Predictions",
        ("When", "Request", "Asked by", "Version", "Status", "Code", "Rows", "Took", "Model"),
        [
            (
                markup.moment(entry.at),
                markup.mono(entry.request_id, 12),
                markup.mono(entry.key_id, 14),
                f"v{entry.version}",
                markup.badge(str(entry.status), _tone(entry.status)),
                markup.mono(entry.code),
                entry.rows,
                f"{board_cells.ms(entry.total_ms)} ms",
                f"{board_cells.ms(entry.model_ms)} ms",
            )
            for entry in entries
        ],
        empty="The log holds none. Predictions are here a second after they were asked.",
        hint=markup.link(*other),
    )
    return Page(
        title=f"{deployment}: predictions",
        lead=f"The last {LOG_SHOWN}, the newest first; the API answers the others.",
        panels=(panel,),
    )


def _tone(status: int) -> str:
    return "danger" if status >= FAILED_FROM else "success"
