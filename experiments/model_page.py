"""What the experiments put on the page of a model."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from experiments import services
from experiments.models import CumulativeGain
from experiments.reports import MeasuredHistory, MeasuredScore, measured_history
from hokusai.web import markup
from hokusai.web.dialogs import Dialog, dialog_action
from hokusai.web.panels import Panel, chart, table
from registry.models import Model, ModelVersion

GAINS_SHOWN = 10


def measured(request: HttpRequest, model: Model) -> Panel:
    """Scores over versions, as evaluations measured them on the benchmark that decided last."""
    history = measured_history(model, request.user)
    if history is None:
        return chart(
            "Measured over versions",
            "measured",
            {},
            key="measured",
            empty="Nothing was compared yet. Open a version and choose Evaluate.",
        )
    metric = history.benchmark.metric
    return chart(
        f"{metric} over versions, as measured",
        "measured",
        _drawing(history),
        key="measured",
        headers=("Version", metric, "Decision"),
        rows=[_row(score, metric) for score in history.scores],
        hint=_hint(history),
    )


def _drawing(history: MeasuredHistory) -> dict[str, Any]:
    metric = history.benchmark.metric
    proportion = metric in markup.PROPORTIONS
    scale = markup.PPM_PER_POINT if proportion else markup.PPM
    points = [
        {
            "label": f"v{score.number}",
            "score": score.score_ppm / scale,
            "verdict": score.verdict,
            "shown": _shown(score, metric),
        }
        for score in history.scores
    ]
    return {
        "metric": metric,
        "unit": f"{metric} in %" if proportion else metric,
        "most": 100 if proportion else None,
        "points": points,
    }


def _hint(history: MeasuredHistory) -> str:
    hint = f"On {history.benchmark.name}, each version on the same rows."
    if any(score.rounded for score in history.scores):
        hint += " Scores of refused attempts are rounded here."
    return hint


def _shown(score: MeasuredScore, metric: str) -> str:
    if not score.rounded:
        return markup.score(score.score_ppm, metric)
    if metric in markup.PROPORTIONS:
        return f"about {score.score_ppm / markup.PPM_PER_POINT:.0f} %"
    return f"about {score.score_ppm / markup.PPM:.2f}"


def _row(score: MeasuredScore, metric: str) -> tuple[SafeString, str, SafeString]:
    url = reverse("admin:registry_modelversion_change", args=[score.version_id])
    version = markup.link(f"v{score.number}", url)
    return version, _shown(score, metric), markup.badge(score.verdict)


def since_first(request: HttpRequest, model: Model) -> Panel:
    """How far the line has come, its heads measured against the first version on the same rows."""
    gains = CumulativeGain.objects.filter(model=model).select_related(
        "benchmark", "first", "head", "job"
    )
    rows = [_gain_row(gain) for gain in gains[:GAINS_SHOWN]]
    return table(
        "Since the first version",
        ("Head", "Over", "Benchmark", "Gain", "Interval", "Measured"),
        rows,
        empty="Not measured yet: it is when a version takes the lead, or choose Measure the line.",
        hint="Measured anew on the rows that decide, never summed over steps.",
    )


def _gain_row(gain: CumulativeGain) -> tuple[Any, ...]:
    metric = gain.benchmark.metric
    interval = "—"
    if gain.low_ppm is not None and gain.high_ppm is not None:
        low, high = markup.gain(gain.low_ppm, metric), markup.gain(gain.high_ppm, metric)
        interval = f"{low} to {high}"
    waiting = markup.badge(gain.job.status) if gain.job is not None else markup.NOTHING
    return (
        _version_link(gain.head),
        _version_link(gain.first),
        markup.object_link(gain.benchmark),
        markup.gain(gain.delta_ppm, metric),
        interval,
        waiting if gain.measured_at is None else markup.moment(gain.measured_at),
    )


def _version_link(version: ModelVersion) -> SafeString:
    url = reverse("admin:registry_modelversion_change", args=[version.pk])
    return markup.link(f"v{version.number}", url)


@dialog_action(
    Dialog(
        title="Measure the line",
        text="Measure the head against the first version on the benchmark that decided last. "
        "It is no attempt: nothing is decided by it.",
        submit="Measure",
        needs="experiments.request_comparison",
        icon="straighten",
        when=lambda model: model.head_id is not None,
    )
)
def measure_line(self: Any, request: HttpRequest, obj: Model, data: dict[str, Any]) -> str:
    """Ask for the gain of a line since its first version."""
    gain = services.measure_cumulative_gain(model=obj, actor=self.actor(request))
    if gain.measured_at is not None:
        shown = markup.gain(gain.delta_ppm, gain.benchmark.metric)
        return f"v{gain.head.number} was measured already: {shown}."
    return f"v{gain.head.number} is being measured against v{gain.first.number}."
