"""Where a gain came from, as a waterfall and as a table of who is credited."""

from typing import Any

from hokusai.web import markup
from hokusai.web.graphs import node_link
from hokusai.web.panels import Panel
from registry.lineage import Credit, Gain, GainStep, StepState

NOTE = (
    "Each step was measured against its own baseline. The sum is no measurement of the last "
    "version against the first."
)
EMPTY = (
    "No step to this version was measured. Open a version, choose Evaluate, and compare it with "
    "its baseline; an accepted comparison is a step here."
)
BASIS_POINTS_PER_PERCENT = 100


def gain_panels(answer: Gain, links: list[tuple[str, str]]) -> list[Panel]:
    """The drawing, then each step with its credit."""
    return [_waterfall(answer, links), _steps(answer)]


def _waterfall(answer: Gain, links: list[tuple[str, str]]) -> Panel:
    metric = _metric(answer)
    total = answer.totals.get(metric, 0)
    steps = [_drawn(step, metric) for step in answer.steps]
    context = {
        "kind": "waterfall",
        "data": {
            "metric": metric,
            "unit": "percentage points" if metric in markup.PROPORTIONS else metric,
            "total": markup.gain(total, metric),
            "steps": steps,
        },
        "key": "chart-gain",
        "empty": "" if answer.totals else EMPTY,
        "height_px": 320,
        "headers": ("Step", "Gain", "Measured"),
        "rows": [
            (f"{step.baseline.label} → {step.candidate.label}", _gain(step), step.state.value)
            for step in answer.steps
        ],
        "links": links,
    }
    hint = f"{_totals(answer)} {NOTE}" if answer.totals else ""
    return Panel("Where the gain came from", "console/panels/gain.html", context, hint=hint)


def _metric(answer: Gain) -> str:
    """What most steps were measured by, the latest of those measured equally often."""
    stated = [step.metric for step in reversed(answer.steps) if step.delta_ppm is not None]
    return max(stated, key=stated.count) if stated else "accuracy"


def _drawn(step: GainStep, metric: str) -> dict[str, Any]:
    counted = step.delta_ppm is not None and step.metric == metric
    scale = markup.PPM_PER_POINT if metric in markup.PROPORTIONS else markup.PPM
    return {
        "baseline": step.baseline.label,
        "candidate": step.candidate.label,
        "delta": (step.delta_ppm or 0) / scale if counted else None,
        "shown": _gain(step),
        "state": step.state.value,
        "credits": [_credited(credit) for credit in step.credits],
    }


def _gain(step: GainStep) -> str:
    if step.state is StepState.MEASURED:
        return f"{markup.gain(step.delta_ppm, step.metric)} {step.metric}"
    return "not shown to you" if step.state is StepState.HIDDEN else "not measured"


def _credited(credit: Credit) -> str:
    giver = credit.contributor or credit.contribution
    if credit.basis_points is None:
        return giver.label
    return f"{giver.label}: {credit.basis_points / BASIS_POINTS_PER_PERCENT:g} %"


def _totals(answer: Gain) -> str:
    sums = (f"{markup.gain(ppm, metric)} {metric}" for metric, ppm in answer.totals.items())
    return f"Sum of the steps: {', '.join(sums)}."


def _steps(answer: Gain) -> Panel:
    rows = [
        (
            number,
            node_link(step.baseline),
            node_link(step.candidate),
            _gain(step),
            markup.lines([_credited(credit) for credit in step.credits]),
            node_link(step.improvement),
            node_link(step.attestation),
        )
        for number, step in enumerate(answer.steps, start=1)
    ]
    headers = ("Step", "From", "To", "Gain", "Credited", "Improvement", "Attestation")
    empty = "There is no version before this one."
    context = {"headers": headers, "rows": rows, "empty": empty}
    return Panel("Steps", "console/panels/table.html", context, hint="Oldest first.")
