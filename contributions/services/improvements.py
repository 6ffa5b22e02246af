from django.conf import settings
from django.db import transaction

from contributions.algorithms import knn_shapley, leave_one_out, sampling, shapley
from contributions.algorithms.shares import ROW_WEIGHTS
from contributions.attributing import ask_to_attribute, training_of
from contributions.choices import AttributionStatus
from contributions.credit import Credit, credit_by_rows, keep_credit
from contributions.models import Attribution, Improvement
from contributions.nodes import tell_of_improvement
from experiments.choices import ComparisonStatus, ConfirmationStatus
from experiments.models import Comparison, Confirmation
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.models import Event
from hokusai.core.services import retry_job
from registry import services as registry

# What another method may be asked for beside the one that decides.
ALTERNATIVES = (knn_shapley.METHOD, leave_one_out.METHOD, ROW_WEIGHTS)
METHODS = (*ALTERNATIVES, shapley.METHOD, sampling.METHOD)
BY_COALITIONS = (shapley.METHOD, sampling.METHOD, leave_one_out.METHOD)
_DECIDED = (ConfirmationStatus.CONFIRMED, ConfirmationStatus.UNCONFIRMED)


def record_improvement(*, comparison_id: int, actor: Actor) -> Improvement | None:
    """Record an accepted comparison as a gain, once, and have its credit attributed.

    None where its baseline no longer leads the line, or the rows kept to confirm it were not asked
    yet. Raises Conflict where the comparison was not accepted, AttributionImpossible.
    """
    comparison = Comparison.objects.with_names().get(pk=comparison_id)
    if comparison.status != ComparisonStatus.ACCEPTED:
        raise Conflict(f"The comparison was {comparison.status}.")
    existing = Improvement.objects.filter(comparison=comparison).first()
    if existing is not None or _awaits_confirmation(comparison):
        return existing
    method = _method_for(comparison)
    # By rows alone nothing is trained; it reads stored tables, which no transaction waits for.
    credit = credit_by_rows(comparison) if method == ROW_WEIGHTS else None
    return _record_once(comparison, method, credit, actor)


def _awaits_confirmation(comparison: Comparison) -> bool:
    if not comparison.benchmark.confirmation_ppm:
        return False
    decided = Confirmation.objects.filter(comparison=comparison, status__in=_DECIDED)
    return not decided.exists()


def _method_for(comparison: Comparison) -> str:
    """By retraining where the platform trained candidate and control; by new rows elsewhere."""
    if settings.ATTRIBUTION_METHOD:
        return str(settings.ATTRIBUTION_METHOD)
    return ROW_WEIGHTS if training_of(comparison.candidate) is None else shapley.METHOD


@transaction.atomic
def _record_once(
    comparison: Comparison, method: str, credit: Credit | None, actor: Actor
) -> Improvement | None:
    # An event delivered twice at once is no second try for the head.
    Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
    existing = Improvement.objects.filter(comparison=comparison).first()
    if existing is not None:
        return existing
    if _refused_before(comparison):
        return None
    if refusal := _not_creditable(comparison):
        _record_refusal(comparison, refusal, actor)
        return None
    return _record(comparison, method, credit, actor)


def _refused_before(comparison: Comparison) -> bool:
    refusals = Event.objects.filter(tag="improvement:refused", subject=comparison.public_id)
    return refusals.exists()


def _not_creditable(comparison: Comparison) -> str:
    if not comparison.delta_ppm or comparison.delta_ppm < 0:
        return "The gain is below a millionth."
    if comparison.baseline.model_id != comparison.candidate.model_id:
        return "Candidate and baseline are versions of different models."
    try:
        registry.set_head(
            model_id=comparison.baseline.model_id,
            expected=comparison.baseline,
            head=comparison.candidate,
        )
    except Conflict as error:
        return str(error)
    return ""


def _record_refusal(comparison: Comparison, reason: str, actor: Actor) -> None:
    record(
        "improvement:refused",
        subject=comparison.public_id,
        actor=actor,
        project_id=comparison.project.pk,
        label=str(comparison),
        after={"reason": reason},
    )


def _record(
    comparison: Comparison, method: str, credit: Credit | None, actor: Actor
) -> Improvement:
    improvement = Improvement.objects.create(
        comparison=comparison,
        model=comparison.candidate.model,
        baseline=comparison.baseline,
        candidate=comparison.candidate,
        delta_ppm=comparison.delta_ppm or 0,
        payable_reason="not_attributed",
        method=method,
    )
    attribution = Attribution.objects.create(improvement=improvement, method=method)
    tell_of_improvement(improvement, {})
    record(
        "improvement:recorded",
        subject=improvement.public_id,
        actor=actor,
        project_id=improvement.project.pk,
        label=str(improvement),
        after={"delta_ppm": improvement.delta_ppm, "method": method},
    )
    if credit is not None:
        keep_credit(attribution, credit, actor)
    else:
        _ask(attribution)
    return improvement


def _ask(attribution: Attribution) -> None:
    attribution.job = ask_to_attribute(attribution)
    attribution.save(update_fields=["job"])


@transaction.atomic
def request_attribution(*, improvement_id: int, method: str, actor: Actor) -> Attribution:
    """Have a gain attributed by another method too; what it says is indicative, never paid.

    Asking again answers with the same row, and tries again where it failed. Raises InvalidInput for
    a method that nobody offers, Conflict where the method needs a training and there is none.
    """
    improvement = Improvement.objects.select_for_update(of=("self",)).get(pk=improvement_id)
    deciding = Attribution.objects.filter(improvement=improvement).first()
    if deciding is None:
        raise Conflict("This improvement was credited before attributions were kept.")
    if deciding.method == method:
        return _again(deciding, actor)
    if method not in ALTERNATIVES:
        raise InvalidInput(f"Other methods are {', '.join(ALTERNATIVES)}.", method=method[:80])
    existing = deciding.alternatives.filter(method=method).first()
    if existing is not None:
        return _again(existing, actor)
    if method in BY_COALITIONS and training_of(improvement.candidate) is None:
        raise Conflict("The candidate was not trained here, so nothing can be trained without it.")
    attribution = Attribution.objects.create(alternative_to=deciding, method=method)
    _ask(attribution)
    record(
        "improvement:attribution-requested",
        subject=improvement.public_id,
        actor=actor,
        project_id=improvement.project.pk,
        label=str(improvement),
        after={"attribution": attribution.public_id, "method": method},
    )
    return attribution


def _again(attribution: Attribution, actor: Actor) -> Attribution:
    """Try again what failed: the coalitions that are missing, or the last step."""
    if attribution.status != AttributionStatus.FAILED:
        return attribution
    attribution.move_to(AttributionStatus.PENDING)
    attribution.explanation = ""
    attribution.save(update_fields=["status", "explanation"])
    missing = attribution.batches.filter(outcomes_digest="").select_related("job")
    jobs = [batch.job for batch in missing] or [attribution.job]
    for job in jobs:
        if job is not None and job.status in (WorkStatus.FAILED, WorkStatus.CANCELLED):
            retry_job(job_id=job.pk, actor=actor)
    return attribution
