from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from experiments.choices import BenchmarkStatus, TrainingStatus
from experiments.exceptions import BenchmarkNotApproved
from experiments.models import Benchmark, Comparison, Training
from experiments.recipes import checked_parameters, recipe_for
from experiments.services.comparisons import request_comparison
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.core.errors import Conflict, DomainError, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM, Actor, record
from registry.choices import Access, ArtifactState, DatasetState, Stage
from registry.models import DatasetVersion, Model, ModelVersion

DEFAULT_SEEDS = (1, 2, 3)
FEWEST_SEEDS = 3
MOST_SEEDS = 20
LARGEST_SEED = 2**31 - 1


@transaction.atomic
def request_training(
    *,
    model: Model,
    benchmark: Benchmark,
    recipe: str,
    added: Sequence[DatasetVersion],
    actor: Actor,
    parameters: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = DEFAULT_SEEDS,
    baseline: ModelVersion | None = None,
) -> Training:
    """Fit a recipe with and without added data; a worker does it and registers both versions.

    The control is fitted on the data of `baseline`, which is the version that leads the line unless
    given, the candidate also on `added`; once both are ready, the candidate is compared with the
    head of the line. Raises RecipeUnusable, BenchmarkNotApproved, InvalidInput, and Conflict where
    the baseline states no data or a training of the model is under way.
    """
    if actor.user_id is None:
        raise Forbidden("A training is asked for by a person.")
    # One training of a model at a time: two would offer the same data twice.
    model = Model.objects.select_for_update(of=("self",)).select_related("project").get(pk=model.pk)
    _check_model(model, benchmark)
    chosen = recipe_for(recipe, benchmark.task)
    baseline = _checked_baseline(model, baseline)
    base = list(baseline.training_data.order_by("pk"))
    new = [row for row in added if row not in base]
    _check_tables(model, benchmark, baseline, base, new)
    training = Training.objects.create(
        project=model.project,
        model=model,
        benchmark=benchmark,
        baseline=baseline,
        recipe=recipe,
        parameters=checked_parameters(chosen, benchmark.task, parameters or {}),
        seeds=checked_seeds(seeds),
        requested_by_id=actor.user_id,
    )
    training.base.set(base)
    training.added.set(new)
    _begin(training, actor)
    return training


def starting_point(model: Model) -> ModelVersion | None:
    """The version that a candidate has to beat: the head of the line, else the one in production,
    else the newest that is ready and no arm of a training.
    """
    if model.head is not None:
        return model.head
    ready = ModelVersion.objects.filter(model=model, artifact_state=ArtifactState.READY)
    own = ready.filter(control_of=None, trained_by=None)
    production = ready.filter(stage=Stage.PRODUCTION).first()
    return production or own.order_by("-number").first()


def checked_seeds(seeds: Sequence[int]) -> list[int]:
    """The seeds themselves. Raises InvalidInput: fewer than three, repeated, or out of range."""
    if not FEWEST_SEEDS <= len(seeds) <= MOST_SEEDS or len(set(seeds)) < len(seeds):
        raise InvalidInput(
            f"Give {FEWEST_SEEDS} to {MOST_SEEDS} different seeds.", seeds=len(seeds)
        )
    if not all(0 <= seed <= LARGEST_SEED for seed in seeds):
        raise InvalidInput("A seed is a whole number from 0 to 2^31 - 1.")
    return [int(seed) for seed in seeds]


def _check_model(model: Model, benchmark: Benchmark) -> None:
    if model.archived_at is not None:
        raise Conflict(f"{model} is archived; restore it first.", model_id=model.model_id)
    if benchmark.project_id != model.project_id:
        raise InvalidInput("The benchmark belongs to another project than the model.")
    if benchmark.status != BenchmarkStatus.APPROVED:
        raise BenchmarkNotApproved(
            f"The benchmark is a {benchmark.status}; a second person approves it first."
        )
    open_one = model.trainings.filter(status=TrainingStatus.REQUESTED).first()
    if open_one is not None:
        raise Conflict(f"A training of {model} is under way.", id=open_one.public_id)


def _checked_baseline(model: Model, given: ModelVersion | None) -> ModelVersion:
    baseline = given or starting_point(model)
    if baseline is None:
        raise Conflict(f"{model} has no version that is ready; register a baseline first.")
    if baseline.model_id != model.pk:
        raise InvalidInput("The baseline is a version of the model that is trained.")
    if baseline.artifact_state != ArtifactState.READY:
        raise Conflict(f"The artifact of {baseline} is {baseline.artifact_state}.")
    return baseline


def _check_tables(
    model: Model,
    benchmark: Benchmark,
    baseline: ModelVersion,
    base: Sequence[DatasetVersion],
    added: Sequence[DatasetVersion],
) -> None:
    if not base:
        raise Conflict(
            f"{baseline} does not say what it was trained on, so that no control can be fitted; "
            "register a baseline with its training data."
        )
    if not added:
        raise InvalidInput("Nothing is added: name data that the baseline was not trained on.")
    for row in (*base, *added):
        if row.project.pk != model.project_id:
            raise InvalidInput(f"{row} belongs to another project.", id=row.public_id)
        if row.access == Access.STEWARDS:
            raise InvalidInput("Rows of a benchmark never serve training.", id=row.public_id)
        if row.state != DatasetState.USABLE:
            raise InvalidInput(f"{row} is {row.state}, not usable.", id=row.public_id)
        if reason := misfit(row, benchmark):
            raise InvalidInput(reason, id=row.public_id)


def misfit(row: DatasetVersion, benchmark: Benchmark) -> str:
    """Why a table cannot be trained on for a benchmark, by its columns; empty where it can."""
    types = {column["name"]: column["dtype"] for column in row.columns}
    label = row.label_column or benchmark.label_column
    if label not in types:
        return f"{row} has no column {label!r} of labels."
    for name in benchmark.features:
        if types.get(name) not in ("number", "integer", "boolean"):
            return f"{row} has no column {name!r} of numbers."
    return ""


def _begin(training: Training, actor: Actor) -> None:
    training.job = jobs.enqueue(
        "training",
        subject=training.public_id,
        project_id=training.project_id,
        label=str(training),
    )
    training.save(update_fields=["job"])
    _record(
        "training:requested",
        training,
        actor,
        {
            "recipe": training.recipe,
            "seeds": training.seeds,
            "base": [row.public_id for row in training.base.all()],
            "added": [row.public_id for row in training.added.all()],
        },
    )


@transaction.atomic
def compare_trained(*, version: str) -> Comparison | None:
    """Once control and candidate of a training are ready, compare the candidate with the head.

    None where this version is of no training, or the other one is not ready yet. With a second
    call, the same comparison.
    """
    training = _training_of(version)
    if training is None or training.baseline is None:
        return None
    control, candidate = training.control, training.candidate
    if control is None or candidate is None:
        return None
    if {control.artifact_state, candidate.artifact_state} != {ArtifactState.READY}:
        return None
    try:
        return request_comparison(
            benchmark=training.benchmark,
            baseline=training.model.head or training.baseline,
            candidate=candidate,
            actor=actor_of(training.requested_by),
        )
    except DomainError as error:
        _explain(training, f"The candidate could not be compared: {error}")
        return None


@transaction.atomic
def tell_failed_arm(*, version: str) -> None:
    """Say on a training that one of its versions could not be kept."""
    training = _training_of(version)
    if training is None:
        return
    arm = training.control if _is(training.control, version) else training.candidate
    if arm is not None:
        _explain(training, f"The files of {arm} could not be kept: {arm.artifact_error}")


def _is(version: ModelVersion | None, public_id: str) -> bool:
    return version is not None and version.public_id == public_id


def _training_of(version: str) -> Training | None:
    named = Q(control__public_id=version) | Q(candidate__public_id=version)
    return (
        Training.objects.select_for_update(of=("self",))
        .select_related(
            "project",
            "model__head",
            "benchmark__project",
            "baseline",
            "control",
            "candidate",
            "requested_by",
        )
        .filter(named)
        .first()
    )


def _explain(training: Training, text: str) -> None:
    training.explanation = text
    training.save(update_fields=["explanation"])
    _record("training:not-compared", training, SYSTEM, {"explanation": text})


def _record(tag: str, training: Training, actor: Actor, after: dict[str, Any]) -> None:
    record(
        tag,
        subject=training.public_id,
        actor=actor,
        project_id=training.project_id,
        label=str(training),
        after=after,
    )
