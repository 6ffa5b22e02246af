from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict
from hokusai.core.events import Actor, record
from registry.choices import PromotionStatus
from registry.models import Dataset, Model, Promotion


@transaction.atomic
def archive_model(*, model_id: int, actor: Actor, comment: str = "") -> Model:
    """Take a model out of lists and let nobody add versions; everything stays as it was.

    Raises Conflict while a version is in production or a promotion is open.
    """
    model = Model.objects.select_for_update().get(pk=model_id)
    if model.archived_at is not None:
        raise Conflict(f"{model} is archived already.")
    serving = model.versions.in_production().first()
    if serving is not None:
        raise Conflict(f"{serving} is in production; archive that version first.")
    waiting = Promotion.objects.filter(version__model=model, status=PromotionStatus.REQUESTED)
    if waiting.exists():
        raise Conflict(f"A promotion of {model} waits for a decision; decide it first.")
    model.archived_at = timezone.now()
    model.save(update_fields=["archived_at"])
    _record("model:archived", model, actor, model.model_id, archived=True, comment=comment)
    return model


@transaction.atomic
def unarchive_model(*, model_id: int, actor: Actor) -> Model:
    """Bring a model back. Raises Conflict where it is not archived."""
    model = Model.objects.select_for_update().get(pk=model_id)
    if model.archived_at is None:
        raise Conflict(f"{model} is not archived.")
    model.archived_at = None
    model.save(update_fields=["archived_at"])
    _record("model:restored", model, actor, model.model_id, archived=False)
    return model


@transaction.atomic
def archive_dataset(*, dataset_id: int, actor: Actor, comment: str = "") -> Dataset:
    """Take a dataset out of lists and let nobody add tables; what used it still names it.

    Raises Conflict where it is archived.
    """
    dataset = Dataset.objects.select_for_update().get(pk=dataset_id)
    if dataset.archived_at is not None:
        raise Conflict(f"{dataset} is archived already.")
    dataset.archived_at = timezone.now()
    dataset.save(update_fields=["archived_at"])
    _record("dataset:archived", dataset, actor, str(dataset), archived=True, comment=comment)
    return dataset


@transaction.atomic
def unarchive_dataset(*, dataset_id: int, actor: Actor) -> Dataset:
    """Bring a dataset back. Raises Conflict where it is not archived."""
    dataset = Dataset.objects.select_for_update().get(pk=dataset_id)
    if dataset.archived_at is None:
        raise Conflict(f"{dataset} is not archived.")
    dataset.archived_at = None
    dataset.save(update_fields=["archived_at"])
    _record("dataset:restored", dataset, actor, str(dataset), archived=False)
    return dataset


def _record(
    tag: str,
    row: Model | Dataset,
    actor: Actor,
    label: str,
    *,
    archived: bool,
    comment: str = "",
) -> None:
    record(
        tag,
        subject=row.public_id,
        actor=actor,
        project_id=row.project_id,
        label=label,
        before={"archived": not archived},
        after={"archived": archived, **({"comment": comment} if comment else {})},
    )
