"""What the experiments put on the page of a model."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from experiments.reports import MeasuredHistory, MeasuredScore, measured_history
from hokusai.web import markup
from hokusai.web.panels import Panel, chart
from registry.models import Model


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
