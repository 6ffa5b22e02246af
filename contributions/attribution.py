"""Attributing a gain in workers: coalitions in batches, each once, then values and shares.

The rows are the state: a killed worker's job is done again, and what was kept is not.
"""

from collections.abc import Sequence
from dataclasses import replace

from contributions.algorithms import knn_shapley
from contributions.algorithms.shares import ROW_WEIGHTS
from contributions.attributing import ask_to_attribute, training_of
from contributions.choices import AttributionStatus
from contributions.credit import (
    NO_CONTRIBUTION,
    Credit,
    check_people,
    credit_by_rows,
    keep_credit,
    shares_of,
)
from contributions.credit_report import keep_report
from contributions.game import Game, game_of, keep_batch, outcomes_of
from contributions.models import Attribution, CoalitionBatch
from contributions.valuing import (
    Valued,
    masks_needed,
    method_for,
    scores_of,
    valued,
    valued_by_neighbours,
)
from experiments.benchmark_rows import rows_of
from experiments.choices import Split
from experiments.models import Training
from hokusai.core import jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job

# Enough to share the cost of starting a child, few enough to lose little with one.
LARGEST_BATCH = 128
FEWEST_BATCHES = 8
SMALLEST_BATCH = 16


def attribute(work: Work) -> None:
    """Ask for the coalitions that are still needed or, when none is, write who is credited.

    Safe to repeat. Raises RunnerDown where a later try may work, AttributionImpossible,
    TrainingImpossible.
    """
    attribution = _attribution(public_id=work.job.subject)
    if attribution.status == AttributionStatus.DONE:
        return
    training = training_of(attribution.credited.candidate)
    if attribution.method == ROW_WEIGHTS:
        credit = credit_by_rows(attribution.credited.comparison)
        _finish(work, attribution, credit, training)
        return
    work.progress(5, "reading who gave what")
    game = game_of(attribution.credited.comparison, training)
    if not game.people:
        credit = Credit(NO_CONTRIBUTION, (), game.gifts, {}, has_control=training is not None)
        _finish(work, attribution, replace(credit, reproduced=True), training, game=game)
        return
    check_people(game.people)
    if attribution.method == knn_shapley.METHOD:
        _by_neighbours(work, attribution, game, training)
    else:
        _by_retraining(work, attribution, game, training)


def _by_neighbours(
    work: Work, attribution: Attribution, game: Game, training: Training | None
) -> None:
    benchmark = attribution.credited.comparison.benchmark
    work.progress(30, "looking at nearest neighbours")
    found = valued_by_neighbours(benchmark, game, rows_of(benchmark, Split.SCREENING))
    credit = _credit(game, found, has_control=training is not None)
    _finish(work, attribution, credit, training, game=game)


def _by_retraining(
    work: Work, attribution: Attribution, game: Game, training: Training | None
) -> None:
    benchmark = attribution.credited.comparison.benchmark
    method = method_for(attribution.method, len(game.people))
    rows = rows_of(benchmark, Split.SCREENING)
    work.progress(30, "reading what coalitions are worth")
    scores = scores_of(attribution, benchmark, rows)
    masks = masks_needed(method, game, benchmark, scores)
    if masks:
        with work.result():
            _open_batches(_locked(attribution), method, masks)
        return
    work.progress(70, "attributing")
    found = valued(attribution, method, game, rows, scores)
    credit = _credit(game, found, has_control=True)
    _finish(work, attribution, credit, training, game=game, found=found)


def _credit(game: Game, found: Valued, *, has_control: bool) -> Credit:
    return Credit(
        method=found.method,
        people=game.people,
        gifts=game.gifts,
        shares=shares_of(game.people, found.values),
        values=found.values,
        evaluations=len(found.scores),
        error_bound=found.error_bound,
        has_control=has_control,
        reproduced=found.reproduced,
        attributed_ppm=found.attributed_ppm,
    )


def _finish(
    work: Work,
    attribution: Attribution,
    credit: Credit,
    training: Training | None,
    *,
    game: Game | None = None,
    found: Valued | None = None,
) -> None:
    digest = keep_report(
        attribution,
        credit,
        training,
        scores=found.scores if found else {},
        ownerless_rows=game.ownerless_rows if game else 0,
    )
    with work.result():
        keep_credit(_locked(attribution), replace(credit, report_digest=digest), SYSTEM)


def _open_batches(attribution: Attribution, method: str, masks: Sequence[int]) -> None:
    """Ask workers for coalitions, in the transaction that ends this job."""
    attribution.method = method
    attribution.save(update_fields=["method"])
    size = min(LARGEST_BATCH, max(SMALLEST_BATCH, -(-len(masks) // FEWEST_BATCHES)))
    first = attribution.batches.count()
    for number, start in enumerate(range(0, len(masks), size), first):
        batch = CoalitionBatch.objects.create(
            attribution=attribution, number=number, masks=list(masks[start : start + size])
        )
        batch.job = jobs.enqueue(
            "coalitions",
            subject=batch.public_id,
            project_id=attribution.project.pk,
            label=f"{number} of {attribution}",
        )
        batch.save(update_fields=["job"])


def evaluate_coalitions(work: Work) -> None:
    """Train and score one batch of coalitions. Safe to repeat; its outcomes are written once.

    Raises as `attribute` does.
    """
    batch = _batch(work.job)
    if batch.outcomes_digest:
        return
    attribution = _attribution(pk=batch.attribution_id)
    training = training_of(attribution.credited.candidate)
    if training is None:
        raise NotFound("The training of this attribution is gone.")
    comparison = attribution.credited.comparison
    work.progress(5, "reading who gave what")
    game = game_of(comparison, training)
    rows = rows_of(comparison.benchmark, Split.SCREENING)
    work.progress(20, f"training {len(batch.masks)} coalitions")
    digest = keep_batch(outcomes_of(game, comparison, training, batch.masks, rows))
    with work.result():
        _keep_batch(batch, digest)


def _keep_batch(batch: CoalitionBatch, digest: str) -> None:
    """Write where the outcomes are; whoever writes the last ones lets the attribution go on."""
    attribution = Attribution.objects.select_for_update(of=("self",)).get(pk=batch.attribution_id)
    batch.outcomes_digest = digest
    batch.save(update_fields=["outcomes_digest"])
    if attribution.status == AttributionStatus.DONE or _is_open(attribution):
        return
    if attribution.status == AttributionStatus.FAILED:
        attribution.move_to(AttributionStatus.PENDING)
        attribution.explanation = ""
    attribution.job = ask_to_attribute(attribution)
    attribution.save(update_fields=["status", "explanation", "job"])


def _is_open(attribution: Attribution) -> bool:
    """Whether other batches are missing, or the attribution's own job is under way."""
    unfinished = (WorkStatus.QUEUED, WorkStatus.RUNNING)
    asked = Job.objects.filter(
        kind="attribution", subject=attribution.public_id, status__in=unfinished
    )
    return attribution.batches.filter(outcomes_digest="").exists() or asked.exists()


def attribution_failed(job: Job, reason: str) -> None:
    """Say on the attribution that it ended without shares, and why."""
    _fail(Attribution.objects.filter(public_id=job.subject).first(), reason)


def coalitions_failed(job: Job, reason: str) -> None:
    """An attribution of which a coalition cannot be evaluated has no values."""
    _fail(Attribution.objects.filter(batches__public_id=job.subject).first(), reason)


def _fail(found: Attribution | None, reason: str) -> None:
    if found is None:
        return
    attribution = Attribution.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if attribution.status != AttributionStatus.PENDING:
        return
    attribution.move_to(AttributionStatus.FAILED)
    attribution.explanation = reason
    attribution.save(update_fields=["status", "explanation"])
    improvement = attribution.credited
    record(
        "improvement:attribution-failed",
        subject=improvement.public_id,
        actor=SYSTEM,
        project_id=improvement.project.pk,
        label=str(improvement),
        after={"attribution": attribution.public_id, "explanation": reason},
    )


def _attribution(**lookup: object) -> Attribution:
    found = Attribution.objects.with_names().filter(**lookup).first()
    if found is None:
        raise NotFound("The attribution of this job is gone.")
    return found


def _batch(job: Job) -> CoalitionBatch:
    found = CoalitionBatch.objects.filter(public_id=job.subject).first()
    if found is None:
        raise NotFound("The coalitions of this job are gone.")
    return found


def _locked(attribution: Attribution) -> Attribution:
    Attribution.objects.select_for_update(of=("self",)).get(pk=attribution.pk)
    return _attribution(pk=attribution.pk)
