"""What the pages of a run and of several runs are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from experiments.choices import RunLifecycle, RunStatus
from experiments.models import Run
from experiments.run_reports import Axis, Curve, Line, axes, compared, curves, unfetched
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Page, Panel, chart, table
from registry.models import ModelVersion

WAITING_REFRESH_S = 4
CURVES_SHOWN = 12
ROWS_BEHIND = 50
NAME_SHOWN, VALUE_SHOWN = 40, 100
_TONES = {
    RunStatus.RUNNING.value: "info",
    RunStatus.FINISHED.value: "success",
    RunStatus.FAILED.value: "danger",
    RunStatus.KILLED.value: "danger",
}


def run_page(
    run: Run,
    versions: Sequence[ModelVersion],
    *,
    activity: Panel | None,
    took: str,
    waiting: bool,
) -> Page:
    """One run: what it was given, what came out, and which versions were made from it."""
    return Page(
        title=str(run),
        badges=(state_badge(run),),
        notices=_notices(run),
        facts=_facts(run, took),
        panels=(
            *_curves([run], empty=_no_curves(run, waiting)),
            _pairs("Metrics", run.metrics, empty="This run has logged no metrics."),
            _pairs("Parameters", run.parameters, empty="This run has logged no parameters."),
            _versions(versions),
            _pairs("Tags", run.tags, empty="This run has no tags.", wide=True),
            activity,
        ),
        refresh_s=WAITING_REFRESH_S if waiting else 0,
    )


def state_badge(run: Run) -> SafeString:
    """How far a run is; of one that is not there any more, that."""
    if run.lifecycle != RunLifecycle.ACTIVE:
        return markup.badge(run.lifecycle, "warning")
    return markup.badge(run.status, _TONES.get(run.status, "quiet"))


def _notices(run: Run) -> list[Notice]:
    texts = {
        RunLifecycle.DELETED.value: "This run was deleted in MLflow; what was read stays here.",
        RunLifecycle.MISSING.value: "MLflow has not shown this run for two complete passes; "
        "what was read stays here.",
    }
    text = texts.get(run.lifecycle)
    return [Notice(text, "warning")] if text else []


def _facts(run: Run, took: str) -> tuple[Fact, ...]:
    return (
        Fact("Project", markup.object_link(run.project)),
        Fact("Experiment", run.experiment.name, run.experiment.experiment_id),
        Fact("By", run.user or markup.NOTHING),
        Fact("Started", markup.moment(run.started_at)),
        Fact("Ended", markup.moment(run.ended_at)),
        Fact("Took", took),
        Fact("Run in MLflow", markup.mono(run.run_id)),
        Fact("Id", markup.mono(run.public_id)),
        Fact("Last read", markup.moment(run.seen_at), "when something had changed"),
    )


def _no_curves(run: Run, waiting: bool) -> str:
    if waiting:
        return "The curves are being fetched. This page refreshes itself."
    if not run.metrics:
        return "This run has logged no metrics, so there are no curves."
    return "No curves yet. Choose Fetch curves above."


def _pairs(title: str, values: Mapping[str, Any], *, empty: str, wide: bool = False) -> Panel:
    rows = [(markup.cut(name, NAME_SHOWN * 2), _shown(values[name])) for name in sorted(values)]
    return table(title, ("Name", "Value"), rows, empty=empty, wide=wide)


def _shown(value: Any) -> Any:
    if value is None:
        return markup.NOTHING
    if isinstance(value, int | float):
        return f"{value:.6g}"
    return markup.cut(str(value), VALUE_SHOWN)


def _versions(versions: Sequence[ModelVersion]) -> Panel:
    rows = [
        (markup.object_link(row), markup.badge(row.stage), markup.badge(row.artifact_state))
        for row in versions
    ]
    return table(
        "Versions made from it",
        ("Version", "Stage", "Artifact"),
        rows,
        empty="None yet. Register a version with this run's model as its source.",
        wide=False,
    )


def compared_page(runs: Sequence[Run], *, waiting: bool) -> Page:
    """Several runs side by side."""
    found = compared(runs)
    names = tuple(markup.object_link(run, markup.cut(str(run), NAME_SHOWN)) for run in runs)
    return Page(
        title=f"{len(runs)} runs side by side",
        lead="Only what differs is listed; what is equal in all of them is left out.",
        panels=(
            _parallel(runs, axes(found)),
            _differences("Parameters that differ", found.parameters, names),
            _differences("Metrics that differ", found.metrics, names),
            _to_fetch(runs, waiting),
            *_curves(runs, empty=""),
        ),
        refresh_s=WAITING_REFRESH_S if waiting else 0,
    )


def _differences(title: str, lines: Sequence[Line], names: Sequence[Any]) -> Panel:
    rows = [
        (markup.cut(line.name, NAME_SHOWN), *(_shown(value) for value in line.values))
        for line in lines
    ]
    return table(title, ("", *names), rows, empty="Equal in all of these runs.")


def _parallel(runs: Sequence[Run], found: Sequence[Axis]) -> Panel:
    drawn = len(found) > 1
    return chart(
        "Parameters and metrics together",
        "parallel",
        {
            "axes": [
                {"name": axis.name, "names": list(axis.names), "values": list(axis.values)}
                for axis in found
            ],
            "lines": [str(run) for run in runs],
        },
        key="parallel",
        empty="" if drawn else "The runs differ in fewer than two parameters and metrics.",
        hint="Each line is a run; each column runs from its lowest to its highest value.",
        height_px=420,
    )


def _to_fetch(runs: Sequence[Run], waiting: bool) -> Panel | None:
    left = unfetched(runs)
    if not left:
        return None
    context = {"runs": [str(run) for run in left], "waiting": waiting}
    return Panel("Curves", "console/panels/fetch_curves.html", context)


def _curves(runs: Sequence[Run], *, empty: str) -> list[Panel]:
    """A drawing per metric; where there is none and `empty` says why, one that says so."""
    found = curves(runs)
    if not found:
        return [chart("Curves", "curves", {}, key="curves", empty=empty)] if empty else []
    shown = sorted(found)[:CURVES_SHOWN]
    left = len(found) - len(shown)
    hint = f"{left} more metrics have curves; the API answers them." if left else ""
    return [_curve(metric, found[metric], index, hint) for index, metric in enumerate(shown)]


def _curve(metric: str, lines: Sequence[Curve], index: int, hint: str) -> Panel:
    points = [(line.run, point) for line in lines for point in line.points]
    return chart(
        metric,
        "curves",
        {
            "metric": metric,
            "lines": [
                {
                    "name": str(line.run),
                    "place": line.place,
                    "points": [[step, value] for step, _, value in line.points],
                }
                for line in lines
            ],
        },
        key=f"curve-{index}",
        headers=("Run", "Step", "Value"),
        rows=[(str(run), step, f"{value:.6g}") for run, (step, _, value) in points[:ROWS_BEHIND]],
        hint=hint,
        wide=False,
        height_px=320,
    )
