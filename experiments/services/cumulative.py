from django.db import transaction

from experiments.choices import BenchmarkStatus
from experiments.models import Benchmark, Comparison, CumulativeGain
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.services import retry_job
from registry.choices import ArtifactState
from registry.models import Model, ModelVersion


@transaction.atomic
def measure_cumulative_gain(
    *, model: Model, actor: Actor, benchmark: Benchmark | None = None
) -> CumulativeGain:
    """Measure the head of a line against its first version, on the same rows; a worker does it.

    Gains of steps do not add up, so that the sum is never taken. Without `benchmark` the approved
    one that decided on the model last. No attempt is counted: nothing is decided. The same pair is
    measured once, and again where that failed. Raises InvalidInput where there is nothing to
    measure, or nothing to measure on.
    """
    model = Model.objects.select_for_update(of=("self",)).get(pk=model.pk)
    benchmark = benchmark or benchmark_of(model)
    if benchmark is None or benchmark.project_id != model.project_id:
        raise InvalidInput("No approved benchmark of the project decided on this model.")
    if benchmark.status != BenchmarkStatus.APPROVED:
        raise InvalidInput(f"The benchmark is {benchmark.status}; measure on an approved one.")
    first, head = _ends(model)
    found, made = CumulativeGain.objects.select_for_update(of=("self",)).get_or_create(
        benchmark=benchmark, first=first, head=head, defaults={"model": model}
    )
    if not made:
        return _again(found, actor)
    found.job = jobs.enqueue(
        "cumulative_gain",
        # One head is measured on one benchmark at a time.
        subject=head.public_id,
        project_id=model.project_id,
        label=str(found),
    )
    found.save(update_fields=["job"])
    record(
        "gain:requested",
        subject=model.public_id,
        actor=actor,
        project_id=model.project_id,
        label=str(found),
        after={"first": first.number, "head": head.number, "benchmark": benchmark.public_id},
    )
    return found


def benchmark_of(model: Model) -> Benchmark | None:
    """The approved benchmark that decided on a model last."""
    decided = Comparison.objects.decided().filter(
        candidate__model=model,
        benchmark__status=BenchmarkStatus.APPROVED,
        benchmark__project=model.project_id,
    )
    last = decided.select_related("benchmark").order_by("-decided_at", "-id").first()
    return None if last is None else last.benchmark


def _ends(model: Model) -> tuple[ModelVersion, ModelVersion]:
    ready = model.versions.filter(artifact_state=ArtifactState.READY)
    first, head = ready.order_by("number").first(), model.head
    if first is None or head is None:
        raise InvalidInput("The line has no head yet: nothing was accepted.")
    if first.tree_digest == head.tree_digest:
        raise InvalidInput("The head is the first version; there is nothing to measure.")
    return first, head


def _again(found: CumulativeGain, actor: Actor) -> CumulativeGain:
    job = found.job
    ended = job is not None and job.status in WorkStatus.terminal()
    if found.measured_at is None and job is not None and ended:
        retry_job(job_id=job.pk, actor=actor)
    return found
