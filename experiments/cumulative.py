"""How far a head is ahead of the first version, measured in a worker."""

from django.utils import timezone

from experiments.algorithms.estimates import Estimate, PairedOutcomes, estimate
from experiments.algorithms.metrics import OutcomeError
from experiments.benchmark_rows import BenchmarkRows, rows_of
from experiments.choices import Split
from experiments.exceptions import Undecidable
from experiments.measuring import Measured, measure
from experiments.models import CumulativeGain
from experiments.registered_metrics import registered
from experiments.results import bound_ppm
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work


def measure_gain(work: Work) -> None:
    """Measure both ends of a line on the screening rows. Safe to repeat; written once.

    Raises RunnerDown where a later try may work; EvaluationFailed, OutputsUnusable, Undecidable.
    """
    found = CumulativeGain.objects.filter(job=work.job).select_related(
        "benchmark__project",
        "benchmark__dataset_version__dataset__project",
        "model",
        "first__model__project",
        "head__model__project",
    )
    gain = found.first()
    if gain is None:
        raise NotFound("The gain of this job is gone.")
    if gain.measured_at is not None:
        return
    work.progress(5, f"reading {gain.benchmark.name}")
    rows = rows_of(gain.benchmark, Split.SCREENING)
    work.progress(15, f"asking the first, v{gain.first.number}")
    first = measure(gain.first, gain.benchmark, rows, salt=1)
    work.progress(50, f"asking the head, v{gain.head.number}")
    head = measure(gain.head, gain.benchmark, rows, salt=2)
    estimated = _estimate(gain, rows, first, head)
    with work.result():
        _keep(gain, estimated)


def _estimate(
    gain: CumulativeGain, rows: BenchmarkRows, first: Measured, head: Measured
) -> Estimate:
    """The gain with its interval at the benchmark's own level: nothing is decided by it."""
    metric = gain.benchmark.metric
    paired = PairedOutcomes(
        metric=metric,
        baseline=first.scored.outcomes[metric],
        candidate=head.scored.outcomes[metric],
        weights=rows.weights,
        clusters=rows.clusters,
        registered=registered(),
    )
    try:
        return estimate(paired, gain.benchmark.alpha, 0, gain.benchmark.seed)
    except OutcomeError as error:
        raise Undecidable(str(error)) from error


def _keep(gain: CumulativeGain, found: Estimate) -> None:
    row = CumulativeGain.objects.select_for_update(of=("self",)).get(pk=gain.pk)
    row.delta_ppm = found.delta_ppm
    row.low_ppm, row.high_ppm = bound_ppm(found.low), bound_ppm(found.high)
    row.measured_at = timezone.now()
    row.save(update_fields=["delta_ppm", "low_ppm", "high_ppm", "measured_at"])
    record(
        "gain:measured",
        subject=gain.model.public_id,
        actor=SYSTEM,
        project_id=gain.benchmark.project_id,
        label=str(gain),
        after={"delta_ppm": row.delta_ppm, "first": gain.first.number, "head": gain.head.number},
    )
