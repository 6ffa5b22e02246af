"""Training in a worker: fit the control and the candidate, keep their files, register both."""

from dataclasses import dataclass

from django.utils import timezone

from experiments.choices import TrainingStatus
from experiments.evaluator import revision
from experiments.exceptions import TrainingImpossible
from experiments.models import Training
from experiments.trainer import Trainer
from experiments.training_tables import TrainingTables, tables_of
from hokusai.accounts.services import actor_of
from hokusai.core.errors import NotFound
from hokusai.core.events import SYSTEM, record
from hokusai.core.jobs import Work
from hokusai.core.models import Job
from hokusai.storage import stores
from registry.models import ModelVersion
from registry.services import Made, register_made


@dataclass(frozen=True, slots=True)
class _Trees:
    """What was fitted, by tree digest."""

    control: str
    candidate: str


def train(work: Work) -> None:
    """Fit both arms by the first seed and register them. Safe to repeat; registered once.

    Equal rows give equal files, so a second try after a killed one keeps what the first kept.
    Raises RunnerDown where a later try may work, TrainingImpossible, DatasetRefused.
    """
    training = _training(work.job)
    if training.status not in (TrainingStatus.REQUESTED, TrainingStatus.FAILED):
        return
    work.progress(5, "reading the tables")
    tables = tables_of(training)
    added = sum(len(table) for table in tables.added.values())
    if not added:
        raise TrainingImpossible("No added row is new: the baseline's data holds them all.")
    trees = _fit(work, training, tables, added)
    with work.result():
        _register(training, trees)


def training_failed(job: Job, reason: str) -> None:
    """Say on the training that it ended without versions, and why."""
    training = Training.objects.select_for_update(of=("self",)).get(public_id=job.subject)
    training.move_to(TrainingStatus.FAILED)
    training.explanation, training.finished_at = reason, timezone.now()
    training.save(update_fields=["status", "explanation", "finished_at"])
    _record("training:failed", training, {"explanation": reason})


def _training(job: Job) -> Training:
    found = Training.objects.select_related(
        "project", "model__project", "benchmark__project", "baseline", "requested_by"
    )
    training = found.filter(public_id=job.subject).first()
    if training is None:
        raise NotFound("The training of this job is gone.")
    return training


def _fit(work: Work, training: Training, tables: TrainingTables, added: int) -> _Trees:
    trainer = Trainer.of(training.benchmark, training.recipe, training.parameters)
    seed = training.seeds[0]
    work.progress(15, f"fitting the control on {len(tables.base)} rows")
    store = stores["default"]
    control = store.put_files(trainer.export([tables.base], seed))
    work.progress(50, f"fitting the candidate on {len(tables.base)} and {added} new rows")
    candidate = stores["default"].put_files(
        trainer.export([tables.base, *tables.added.values()], seed)
    )
    if control == candidate:
        raise TrainingImpossible("The added rows change nothing: both fits are the same model.")
    work.progress(90, "registering both")
    return _Trees(control, candidate)


def _register(training: Training, trees: _Trees) -> None:
    training = (
        Training.objects.select_for_update(of=("self",))
        .select_related("project", "model__project", "baseline", "requested_by")
        .get(pk=training.pk)
    )
    base = [row.public_id for row in training.base.all()]
    added = [row.public_id for row in training.added.all()]
    training.move_to(TrainingStatus.TRAINED)
    training.control = _arm(training, "control", trees.control, base)
    training.candidate = _arm(training, "candidate", trees.candidate, [*base, *added])
    training.explanation, training.finished_at = "", timezone.now()
    training.save()
    _record(
        "training:trained",
        training,
        {"control": training.control.public_id, "candidate": training.candidate.public_id},
    )


def _arm(training: Training, arm: str, tree_digest: str, data: list[str]) -> ModelVersion:
    if training.baseline is None:
        raise TrainingImpossible("The training does not say which version it starts from.")
    seed = training.seeds[0]
    made = Made(
        maker=training.public_id,
        tree_digest=tree_digest,
        parent=training.baseline,
        training_data=data,
        parameters={"recipe": training.recipe, "seed": seed, **training.parameters},
        tags={"arm": arm, "training": training.public_id},
        description=f"The {arm} of a training by the recipe {training.recipe}, seed {seed}.",
        code_revision=revision(),
    )
    return register_made(model=training.model, made=made, actor=actor_of(training.requested_by))


def _record(tag: str, training: Training, after: dict[str, str]) -> None:
    record(
        tag,
        subject=training.public_id,
        actor=SYSTEM,
        project_id=training.project_id,
        label=str(training),
        before={"status": TrainingStatus.REQUESTED.value},
        after={"status": training.status, **after},
    )
