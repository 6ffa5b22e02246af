"""Cells that show how a deployment stands, wherever the console lists it."""

from typing import Final

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.board import Standing, Summary
from hokusai.web import markup
from hokusai.web.panels import Figure

TIERS: Final = {"A": "success", "B": "info", "C": "warning"}
TIER_WORDS: Final = {
    "A": "own user, no network, nothing of this machine's files",
    "B": "no network, nothing of this machine's files",
    "C": "limited, not isolated: only for models that are trusted",
}
NEARLY_FULL: Final = 0.8
LARGE, MIDDLING = 100, 10
UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
ENVIRONMENTS: Final = {"production": "success", "staging": "warning", "development": "info"}
# What a provider says of a process, in the words of the console.
PHASES: Final = {
    "running": ("running", "success"),
    "scaled_to_zero": ("idle", "quiet"),
    "pending": ("starting", "warning"),
    "provisioning": ("starting", "warning"),
    "updating": ("starting", "warning"),
    "degraded": ("keeps failing", "danger"),
}


def figures(summary: Summary) -> tuple[Figure, ...]:
    """Several deployments together."""
    return (
        Figure("Live", summary.live, "deployments that answer", "success"),
        Figure("Requests", f"{rate(summary.requests_per_s)} /s", "in the last seconds"),
        Figure("Memory", markup.size(summary.memory_bytes), "of the models' processes"),
        Figure(
            "Failed rollouts",
            summary.failing,
            "the last one of its deployment",
            "danger" if summary.failing else "success",
        ),
    )


def state(standing: Standing) -> SafeString:
    """What it does, and what is about to change that."""
    badge = markup.badge(standing.state)
    newer = standing.newer
    if newer is None:
        return badge
    tone = markup.tone_of(newer.status)
    return format_html(
        "{} {}", badge, markup.badge(f"v{newer.version.number} {newer.status}", tone)
    )


def state_and_version(standing: Standing) -> SafeString:
    """What it does, and with which version."""
    return format_html("{} {}", version(standing), state(standing))


def environment(standing: Standing) -> SafeString:
    """Its environment as a label."""
    name = standing.deployment.environment
    return markup.badge(name, ENVIRONMENTS.get(name, "quiet"))


def version(standing: Standing) -> SafeString:
    """The version that answers."""
    if standing.revision is None:
        return markup.NOTHING
    return markup.object_link(standing.revision.version, f"v{standing.revision.version.number}")


def requests(standing: Standing) -> SafeString:
    """Requests per second."""
    stats = standing.stats
    return markup.NOTHING if stats is None else number(rate(stats.requests_per_s))


def latency(standing: Standing) -> SafeString:
    """Half and 95 of 100 requests took at most so long within the model."""
    stats = standing.stats
    if stats is None or stats.p50_ms is None or stats.p95_ms is None:
        return markup.NOTHING
    return number(f"{ms(stats.p50_ms)} / {ms(stats.p95_ms)} ms")


def p50(standing: Standing) -> SafeString:
    """Half of the requests took at most so long within the model."""
    return _time(standing.stats.p50_ms if standing.stats else None)


def p95(standing: Standing) -> SafeString:
    """95 of 100 requests took at most so long within the model."""
    return _time(standing.stats.p95_ms if standing.stats else None)


def _time(value_ms: float | None) -> SafeString:
    return markup.NOTHING if value_ms is None else number(f"{ms(value_ms)} ms")


def errors(standing: Standing) -> SafeString:
    """The part of the requests of the last seconds that failed."""
    stats = standing.stats
    if stats is None:
        return markup.NOTHING
    share = stats.errors_per_s / stats.requests_per_s if stats.requests_per_s else 0.0
    return number(f"{share * 100:.1f} %" if share else "0 %", "danger" if share else "")


def memory(standing: Standing) -> SafeString:
    """What the process holds, and the part of what it may."""
    stats = standing.stats
    if stats is None or not stats.memory_bytes:
        return markup.NOTHING
    share = stats.memory_bytes / standing.deployment.memory_bytes
    return number(markup.size(stats.memory_bytes), "warning" if share > NEARLY_FULL else "")


def tier(standing: Standing) -> SafeString:
    """The isolation in force."""
    stats = standing.stats
    if stats is None or not stats.tier:
        return markup.NOTHING
    words = TIER_WORDS.get(stats.tier, "")
    badge = markup.badge(f"tier {stats.tier}", TIERS.get(stats.tier, "quiet"))
    return format_html('<span title="{}">{}</span>', words, badge)


def process(standing: Standing) -> SafeString:
    """What the process does, and how often it was started again."""
    stats = standing.stats
    if stats is None:
        return markup.NOTHING
    badge = markup.badge(*PHASES.get(stats.state, (stats.state.replace("_", " "), "danger")))
    return badge if not stats.restarts else format_html("{} {}", badge, restarts(standing))


def restarts(standing: Standing) -> SafeString:
    """How often the process was started again."""
    stats = standing.stats
    if stats is None:
        return markup.NOTHING
    return number(str(stats.restarts), "warning" if stats.restarts else "")


def since(standing: Standing) -> SafeString:
    """For how long it has been so, in its largest unit; exact on hover."""
    age_s = max(0, int((timezone.now() - standing.since).total_seconds()))
    size, unit = next((one for one in UNITS if age_s >= one[0]), UNITS[-1])
    exact = standing.since.isoformat(timespec="seconds")
    shown = f"{age_s // size} {unit}"
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', exact, shown)


def number(text: str, tone: str = "") -> SafeString:
    """A figure that keeps to one line."""
    return format_html('<span class="hk-number {}">{}</span>', f"hk-{tone}" if tone else "", text)


def rate(per_s: float) -> str:
    """A rate with as many digits as mean something."""
    return f"{per_s:.0f}" if per_s >= LARGE else f"{per_s:.1f}"


def ms(value: float) -> str:
    """Milliseconds with as many digits as mean something."""
    if value >= LARGE:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= MIDDLING else f"{value:.2f}"
