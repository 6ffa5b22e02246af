"""How a gain was attributed, on the page of its improvement."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.urls import reverse

from contributions.attribution_reports import AttributionView, PlayerLine
from contributions.models import Improvement
from contributions.services import ALTERNATIVES
from hokusai.web import markup
from hokusai.web.forms import DialogForm
from hokusai.web.panels import Fact, Notice, Panel, chart, table

REFRESH_S = 5
MOST_DRAWN = 30
REASONS = {
    "no_control": "nobody trained a control, so that the data's effect is not known",
    "no_confirmation_split": "the benchmark keeps no rows to confirm a gain",
    "unconfirmed": "the rows kept to confirm it did not",
    "no_positive_share": "nobody's part is above what chance explains",
    "no_data_effect": "the added data itself gained nothing",
    "not_reproduced": "fitting again did not give the candidate's own answers",
    "indicative_method": "the method says nothing about the model's own gain",
    "not_attributed": "its credit is still being worked out",
}


class MethodForm(DialogForm):
    """Another way to attribute the same gain."""

    method = forms.ChoiceField(choices=[(name, name) for name in ALTERNATIVES])


def facts(obj: Improvement, view: AttributionView | None) -> tuple[Fact, ...]:
    """What is payable, by which method, and where all that led to it is kept."""
    metric = obj.comparison.benchmark.metric
    payable = markup.gain(obj.payable_ppm, metric) if obj.payable_ppm else "nothing"
    found = [
        Fact("Payable", payable, reason(obj.payable_reason)),
        Fact("Credit split by", obj.method),
    ]
    if view is not None and view.evaluations:
        trained = f"{view.evaluations} coalitions trained"
        bound = markup.gain(view.error_bound_ppm, metric) if view.error_bound_ppm else "exact"
        found += [Fact("Evaluated", trained), Fact("Error of sampling", bound)]
    if view is not None and view.report_digest:
        url = reverse("admin:contributions_improvement_report", args=[obj.pk])
        found.append(Fact("Report", markup.link("Download", url), "scores of all coalitions"))
    return tuple(found)


def reason(code: str) -> str:
    """Why nothing is payable, in words."""
    return REASONS.get(code, code.replace("_", " "))


def notices(view: AttributionView | None) -> list[Notice]:
    """What waits or failed."""
    if view is None:
        return []
    if view.status == "pending":
        done = f" {view.batches_done} of {view.batches} batches of coalitions are done."
        text = "The credit is being worked out."
        return [Notice(f"{text}{done if view.batches else ''}", "warning")]
    if view.status == "failed":
        return [Notice(f"The credit could not be worked out: {view.explanation}", "danger")]
    return []


def panels(view: AttributionView | None) -> Sequence[Panel | None]:
    """Values with their intervals, then what other methods say."""
    if view is None:
        return ()
    return (_progress(view), _values(view), _others(view))


def _progress(view: AttributionView) -> Panel | None:
    if view.status != "pending" or not view.batches:
        return None
    percent = 100 * view.batches_done // view.batches
    row = (view.method, f"{view.batches_done} of {view.batches}", markup.progress(percent))
    return table("Coalitions", ("Method", "Batches", "Done"), [row], empty="Nothing to train.")


def _values(view: AttributionView) -> Panel:
    measured = [line for line in view.players if line.value_ppm is not None]
    unit = markup.unit_of_gain(view.metric)
    return chart(
        "What each person's data is worth",
        "intervals",
        {"unit": unit, "lines": [_drawn(line, view.metric) for line in measured[:MOST_DRAWN]]},
        key=f"values-{view.id}",
        empty="" if measured else _empty(view),
        headers=("Person", "New rows", "Value", "Lower bound", "Upper bound", "Share"),
        rows=[_row(line, view.metric) for line in view.players],
        hint="Lines are intervals over the benchmark's rows; what is grey gets no share.",
        height_px=max(160, 60 + 34 * min(len(measured), MOST_DRAWN)),
    )


def _empty(view: AttributionView) -> str:
    if view.status == "pending":
        return "Values appear once every coalition was trained."
    if view.status == "failed":
        return "Nothing was measured; try again once the cause is gone."
    if not view.players:
        return "No contribution has new rows: the gain is engineering's."
    return f"{view.method} measures no values; have the platform train candidates to get them."


def _drawn(line: PlayerLine, metric: str) -> dict[str, Any]:
    def number(ppm: int | None) -> float | None:
        return None if ppm is None else markup.in_units(ppm, metric)

    return {
        "label": line.name,
        "low": number(line.low_ppm),
        "value": number(line.value_ppm),
        "high": number(line.high_ppm),
        "paid": line.basis_points > 0,
        "shown": f"{markup.gain(line.value_ppm, metric)}, {line.basis_points / 100:.2f} %",
    }


def _row(line: PlayerLine, metric: str) -> tuple[Any, ...]:
    return (
        line.name,
        markup.NOTHING if line.new_rows is None else line.new_rows,
        *(_gain(ppm, metric) for ppm in (line.value_ppm, line.low_ppm, line.high_ppm)),
        f"{line.basis_points / 100:.2f} %",
    )


def _gain(ppm: int | None, metric: str) -> str:
    return markup.NOTHING if ppm is None else markup.gain(ppm, metric)


def _others(view: AttributionView) -> Panel:
    rows = [
        (
            other.method,
            markup.badge(other.status),
            line.name,
            _gain(line.value_ppm, view.metric),
            f"{line.basis_points / 100:.2f} %",
        )
        for other in view.alternatives
        for line in other.players
    ]
    waiting = [
        (
            other.method,
            markup.badge(other.status),
            other.explanation or markup.NOTHING,
            markup.NOTHING,
            markup.NOTHING,
        )
        for other in view.alternatives
        if not other.players
    ]
    return table(
        "What other methods say",
        ("Method", "State", "Person", "Value", "Share it would give"),
        [*rows, *waiting],
        empty="Ask for another method to compare; it changes no share.",
        hint="Indicative: nothing of this is paid.",
    )
