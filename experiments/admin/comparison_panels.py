"""What the page of a comparison is made of, as far as its viewer may see it."""

from experiments.admin.comparison_facts import small
from experiments.choices import ConfirmationStatus
from experiments.comparison_views import (
    ConfirmationView,
    ConfusionView,
    CreditView,
    EffectView,
    LookView,
    SeedsView,
    SliceView,
)
from experiments.exceptions import BenchmarkInvalid
from experiments.models import Comparison
from experiments.planning import Wish, in_words, plan
from experiments.reports import ComparisonView
from hokusai.web import markup
from hokusai.web.panels import Panel, chart, table

GAINS_PPM = (10_000, 20_000, 30_000, 50_000, 80_000)


def measured(obj: Comparison, view: ComparisonView) -> list[Panel]:
    """Everything that was measured; nothing where the viewer hears the verdict alone."""
    if view.delta_ppm is None:
        return []
    found = [_interval(obj, view), _confirmation(obj, view.confirmation, view.metric)]
    found.append(_guardrails(view))
    if view.slices:
        found.append(_slices(view.slices, view.metric))
    if view.looks:
        found.append(_looks(view.looks, view.metric))
    found += [_power(obj, view), _seeds(view.seeds, view)]
    found += [_confusion(one) for one in view.confusions]
    return [*found, _credit(view.credit, view.metric)]


def _interval(obj: Comparison, view: ComparisonView) -> Panel:
    numbers = {
        "low": view.low_ppm,
        "delta": view.delta_ppm,
        "high": view.high_ppm,
        "margin": obj.benchmark.margin_ppm,
        "minimum": obj.benchmark.minimum_gain_ppm,
    }
    names = ("Lower bound", "Observed", "Upper bound", "Margin", "Minimum gain")
    hint = "Accepted where the lower bound clears the margin and the gain reaches the minimum."
    if view.seeds is not None:
        spread = markup.allowance(view.seeds.sd_ppm, view.metric)
        hint += f" Over {len(view.seeds.seeds)} training seeds the gain varies by {spread} (sd)."
    scale = markup.ppm_per_unit(view.metric)
    unit = "percentage points" if view.metric in markup.PROPORTIONS else view.unit
    return chart(
        "Gain and its interval",
        "interval",
        {"unit": unit, **{k: None if v is None else v / scale for k, v in numbers.items()}},
        key="interval",
        headers=("", f"Gain in {unit}"),
        rows=[
            (name, markup.gain(value, view.metric))
            for name, value in zip(names, numbers.values(), strict=True)
        ],
        hint=hint,
        height_px=200,
    )


def _confirmation(obj: Comparison, found: ConfirmationView | None, metric: str) -> Panel:
    title = "On the rows kept to confirm"
    hint = "Rows that no decision had touched; what is payable is at most what they show."
    if found is None:
        kept = obj.benchmark.confirmation_ppm
        empty = (
            "They are asked only after an acceptance."
            if kept
            else "The benchmark keeps none: nothing is payable on it."
        )
        return table(title, (), (), empty=empty, wide=False)
    if found.status == ConfirmationStatus.FAILED:
        job = obj.confirmation.job
        rows = [("Why", found.explanation), ("Job", markup.object_link(job))]
        return table(title, ("Result", markup.badge(found.status)), rows, empty="", wide=False)
    if found.delta_ppm is None:
        empty = f"{found.status.capitalize()}. {found.explanation or 'Numbers are for reviewers.'}"
        return table(title, (), (), empty=empty, wide=False)
    rows = [
        ("Result", markup.badge(found.status)),
        ("Observed gain", markup.gain(found.delta_ppm, metric)),
        ("Lower bound", markup.gain(found.low_ppm, metric)),
        ("Upper bound", markup.gain(found.high_ppm, metric)),
        ("p-value", small(found.p_value)),
    ]
    return table(title, ("", found.explanation), rows, empty="", hint=hint, wide=False)


def _slices(slices: tuple[SliceView, ...], metric: str) -> Panel:
    rows = [
        (
            f"{one.column} = {one.value}",
            f"{one.rows:,}",
            markup.score(one.score_baseline, metric),
            markup.score(one.score_candidate, metric),
            markup.gain(one.delta_ppm, metric),
            _range(one.low_ppm, one.high_ppm, metric),
            small(one.p_value),
            small(one.p_holm),
        )
        for one in slices
    ]
    headers = (
        "Slice",
        "Rows",
        "Baseline",
        "Candidate",
        "Gain",
        "Interval",
        "p",
        "p (Holm)",
    )
    return table(
        "Per slice",
        headers,
        rows,
        empty="",
        hint="Told, and decide nothing. p is two-sided, then corrected over all slices by Holm.",
    )


def _looks(looks: tuple[LookView, ...], metric: str) -> Panel:
    rows = [
        (one.method, _range(one.low_ppm, one.high_ppm, metric), small(one.p_value)) for one in looks
    ]
    hint = "The same gain, asked otherwise; none of these decides."
    return table(
        "By other methods", ("Method", "Interval", "p"), rows, empty="", hint=hint, wide=False
    )


def _guardrails(view: ComparisonView) -> Panel:
    rows = [
        (
            rail.metric,
            markup.allowance(rail.margin_ppm, rail.metric),
            markup.gain(rail.harm_upper_ppm, rail.metric),
            markup.badge("passed" if rail.passed else "failed"),
        )
        for rail in view.guardrails
    ]
    return table(
        "Guardrails",
        ("Metric", "Harm allowed", "Harm's upper bound", "Result"),
        rows,
        empty="The benchmark states none.",
        hint="A metric that must not get worse by more than its margin.",
        wide=False,
    )


def _power(obj: Comparison, view: ComparisonView) -> Panel:
    """What an attempt at this level could find, at the disagreement that was seen."""
    title = "What this attempt could find"
    seen = _disagreement(obj)
    try:
        plans = [
            plan(
                obj.benchmark,
                Wish(gain_ppm=gain, disagreement_ppm=seen, attempt=view.attempt),
            )
            for gain in GAINS_PPM
            if seen is None or gain <= seen
        ]
    except BenchmarkInvalid as error:
        return table(title, (), (), empty=str(error), wide=False)
    rows = [
        (
            markup.gain(one.gain_ppm, view.metric),
            f"{one.power_of_gain_ppm / 10_000:.0f} %",
            "—" if one.rows_needed is None else f"{one.rows_needed:,}",
        )
        for one in plans
    ]
    empty = "The versions disagree on too few rows for a gain of a percentage point."
    hint = in_words(plans[0]).replace("would be", "was") if plans else ""
    headers = ("True gain", "Found in", "Rows for 80 %")
    return table(title, headers, rows, empty=empty, hint=hint, wide=False)


def _disagreement(obj: Comparison) -> int | None:
    """Share of rows that exactly one version got right; None where nobody counted."""
    found = obj.findings
    lost, won, rows = found.get("b"), found.get("c"), found.get("n")
    if lost is None or won is None or not rows:
        return None
    return max(1, round((lost + won) * markup.PPM / rows))


def _confusion(view: ConfusionView) -> Panel:
    rows = [(label, *counts) for label, counts in zip(view.labels, view.counts, strict=True)]
    return chart(
        f"Confusion of the {view.role}",
        "confusion",
        {"labels": list(view.labels), "counts": [list(row) for row in view.counts]},
        key=f"confusion-{view.role}",
        headers=("true \\ predicted", *view.labels),
        rows=rows,
        hint="Rows that decide, by true and predicted label.",
        wide=False,
        height_px=320,
    )


def _credit(credit: CreditView | None, metric: str) -> Panel:
    title = "Data and engineering"
    headers = ("What did it", "Gain", "Interval", "p")
    if credit is None:
        empty = (
            "There is no control: the same recipe without the added data was not trained, so that "
            "credit is indicative and nothing is payable. Build the candidate from contributions."
        )
        return table(title, headers, (), empty=empty)
    parts = (
        ("Added data (candidate over control)", credit.data),
        ("Engineering (control over baseline)", credit.engineering),
    )
    rows = [(name, *_effect(effect, metric)) for name, effect in parts]
    hint = "Credit is for data alone."
    return table(title, headers, rows, empty="", hint=hint)


def _effect(effect: EffectView, metric: str) -> tuple[str, str, str]:
    return (
        markup.gain(effect.delta_ppm, metric),
        _range(effect.low_ppm, effect.high_ppm, metric),
        small(effect.p_value),
    )


def _seeds(seeds: SeedsView | None, view: ComparisonView) -> Panel:
    title = "Over training seeds"
    headers = ("Seed", "Gain", "Of the added data")
    if seeds is None:
        empty = "The candidate was not trained here, so that its training's luck is not known."
        return table(title, headers, (), empty=empty, wide=False)
    rows = [
        (seed, markup.gain(delta, view.metric), markup.gain(effect, view.metric))
        for seed, delta, effect in zip(
            seeds.seeds, seeds.deltas_ppm, seeds.effects_ppm, strict=True
        )
    ]
    hint = (
        f"Deviation {markup.allowance(seeds.sd_ppm, view.metric)}; the first seed was decided on."
    )
    return table(title, headers, rows, empty="", hint=hint, wide=False)


def _range(low: int | None, high: int | None, metric: str) -> str:
    if low is None or high is None:
        return "—"
    return f"{markup.gain(low, metric)} to {markup.gain(high, metric)}"
