"""What the page of a benchmark is made of."""

from experiments.algorithms.splits import MINIMUM_KEPT_CLUSTERS
from experiments.benchmark_columns import Columns, too_few_clusters
from experiments.benchmark_rows import unit_column
from experiments.choices import BenchmarkStatus, Split
from experiments.exceptions import BenchmarkInvalid
from experiments.ledger import AttemptLine, ledger
from experiments.models import Benchmark
from experiments.planning import IN_POINTS, Plan, Wish, in_words, plan
from experiments.registered_metrics import metric_of
from hokusai.web import markup
from hokusai.web.panels import Fact, Notice, Panel, chart, table

COMPARISONS_SHOWN = 20
ATTEMPTS_SHOWN = 50
DISAGREEMENTS_PPM = (50_000, 100_000, 200_000)
GAINS_PPM = (5_000, 10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000, 80_000, 100_000)
BILLION = 1_000_000_000


def notices(obj: Benchmark) -> list[Notice]:
    """What must not be missed: that it is a draft, decides nothing, or pays nothing."""
    found = []
    if obj.status == BenchmarkStatus.DRAFT:
        text = "A draft decides nothing: somebody other than its maker must approve it."
        found.append(Notice(text, "warning"))
    columns = Columns(obj.label_column, cluster=obj.cluster_column, group=obj.group_column)
    if too_few_clusters(obj.dataset_version, columns):
        text = (
            f"{unit_column(obj)!r} has fewer than {MINIMUM_KEPT_CLUSTERS} values: every comparison "
            "will be refused for want of clusters."
        )
        found.append(Notice(text, "danger"))
    if not obj.confirmation_ppm:
        text = "No rows are kept to confirm what is accepted: nothing is payable on this benchmark."
        found.append(Notice(text, "info"))
    return found


def facts(obj: Benchmark) -> tuple[Fact, ...]:
    """What it fixes, and who made and approved it."""
    metric, rows = metric_of(obj.metric), obj.dataset_version
    kept = f"{obj.confirmation_ppm / markup.PPM_PER_POINT:g} %" if obj.confirmation_ppm else "none"
    return (
        Fact("Project", markup.object_link(obj.project)),
        Fact("Rows", markup.object_link(rows), f"{rows.row_count} rows"),
        Fact("Kept to confirm", kept, "of the rows; which ones, nobody is told"),
        Fact("Metric", obj.metric, f"{metric.unit}, {metric.direction} is better"),
        Fact("Label column", markup.mono(obj.label_column)),
        Fact("Cluster column", markup.mono(obj.cluster_column)),
        Fact("Group column", markup.mono(obj.group_column)),
        Fact("Weight column", markup.mono(obj.weight_column)),
        Fact("Slices", ", ".join(obj.slice_columns) or markup.NOTHING),
        Fact("Minimum gain", markup.gain(obj.minimum_gain_ppm, obj.metric)),
        Fact("Margin", markup.gain(obj.margin_ppm, obj.metric)),
        Fact("Alpha", obj.alpha, "one-sided, spent over attempts"),
        Fact("Seed", obj.seed),
        Fact("Digest", markup.mono(obj.spec_digest, 16), "sha256 of all that it fixes"),
        Fact("Made by", obj.created_by.username),
        Fact("Approved by", obj.approved_by.username if obj.approved_by else markup.NOTHING),
        Fact("Approved", markup.moment(obj.approved_at)),
        Fact("Id", markup.mono(obj.public_id)),
    )


def power(obj: Benchmark) -> Panel:
    """How often true gains of several sizes are found at the next attempt, and rows needed."""
    title = "What these rows can show"
    try:
        next_one = plan(obj)
    except BenchmarkInvalid as error:
        empty = f"{error} Ask the API at benchmarks/{obj.public_id}/power with that value."
        return chart(title, "power", {}, key="power", empty=empty)
    curves = {
        disagreement: _curve(obj, next_one.attempt, disagreement)
        for disagreement in DISAGREEMENTS_PPM
    }
    scale = markup.ppm_per_unit(obj.metric)
    return chart(
        title,
        "power",
        {
            "unit": "percentage points" if obj.metric in IN_POINTS else metric_of(obj.metric).unit,
            "wanted": next_one.power_ppm / markup.PPM_PER_POINT,
            "series": [
                {
                    "name": f"{disagreement / markup.PPM_PER_POINT:g} % disagreement",
                    "points": [
                        [found.gain_ppm / scale, found.power_of_gain_ppm / markup.PPM_PER_POINT]
                        for found in curve
                    ],
                }
                for disagreement, curve in curves.items()
            ],
        },
        key="power",
        headers=("True gain", *(_heading(disagreement) for disagreement in DISAGREEMENTS_PPM)),
        rows=[_line(obj, curves, gain) for gain in GAINS_PPM],
        hint=f"{in_words(next_one)} Disagreement: rows on which exactly one version is right.",
        height_px=320,
    )


def _curve(obj: Benchmark, attempt: int, disagreement: int) -> list[Plan]:
    """Plans for gains that this disagreement allows."""
    return [
        plan(obj, Wish(gain_ppm=gain, disagreement_ppm=disagreement, attempt=attempt))
        for gain in GAINS_PPM
        if gain <= disagreement
    ]


def _heading(disagreement: int) -> str:
    return f"Found at {disagreement / markup.PPM_PER_POINT:g} % disagreement"


def _line(obj: Benchmark, curves: dict[int, list[Plan]], gain: int) -> tuple[str, ...]:
    cells = []
    for curve in curves.values():
        found = next((one for one in curve if one.gain_ppm == gain), None)
        cells.append("cannot be" if found is None else _found(found))
    return markup.gain(gain, obj.metric), *cells


def _found(found: Plan) -> str:
    share = f"{found.power_of_gain_ppm / markup.PPM_PER_POINT:.0f} %"
    if found.rows_needed is None:
        return f"{share}; no number of rows suffices"
    return f"{share}; {found.rows_needed:,} rows for {found.power_ppm / 10_000:.0f} %"


def guardrails(obj: Benchmark) -> Panel:
    """Metrics that must not get worse by more than stated."""
    rows = [
        (rail["metric"], markup.allowance(rail["margin_ppm"], rail["metric"]))
        for rail in obj.guardrails
    ]
    return table(
        "Guardrails",
        ("Metric", "Harm allowed"),
        rows,
        empty="None: only the deciding metric counts.",
        wide=False,
    )


def features(obj: Benchmark) -> Panel:
    """Input columns in the order in which versions get them."""
    rows = [(number, markup.mono(str(name))) for number, name in enumerate(obj.features, 1)]
    return table("Inputs, in order", ("", "Column"), rows, empty="None.", wide=False)


def comparisons(obj: Benchmark) -> Panel:
    """What was compared on it, newest first."""
    rows = [
        (
            markup.object_link(comparison),
            comparison.attempt,
            markup.badge(comparison.status),
            markup.moment(comparison.decided_at),
        )
        for comparison in obj.comparisons.with_names()[:COMPARISONS_SHOWN]
    ]
    return table(
        "Comparisons",
        ("Comparison", "Attempt", "State", "Decided"),
        rows,
        empty="None yet. Open a version that is ready and choose Evaluate.",
    )


def attempts(obj: Benchmark) -> Panel:
    """The ledger, for stewards: also attempts on other benchmarks that share rows."""
    return table(
        "Ledger of attempts",
        ("Attempt", "Rows", "Level", "Comparison", "Asked by", "Result", "In the log"),
        [_attempt(line) for line in ledger(obj, most=ATTEMPTS_SHOWN)],
        empty="None yet: the ledger begins with the first comparison on these rows.",
        hint="Counted and logged before anything was computed, each naming the one before it.",
    )


def _attempt(line: AttemptLine) -> tuple[object, ...]:
    index = "waiting" if line.log_index is None else f"entry {line.log_index}"
    return (
        line.number,
        "decide" if line.split == Split.SCREENING else "confirm",
        f"{line.alpha_e9 / BILLION:.3g}",
        markup.object_link(line.comparison),
        line.requested_by,
        markup.badge(line.result),
        markup.found_link(index, line.record_id),
    )
