from datetime import datetime

from django.db import transaction
from django.utils import timezone

from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import Actor, record
from registry.choices import ArtifactState, PromotionStatus, Stage, StageReason
from registry.models import Model, ModelVersion
from registry.services.stages import enter_stage


@transaction.atomic
def retire_version(
    *, version_id: int, successor_id: int, sunset_at: datetime, actor: Actor, comment: str = ""
) -> ModelVersion:
    """Say that a version goes away: at `sunset_at`, and which version takes its place.

    It is archived; whoever still asks for it is told. Retiring again changes date and successor.
    Raises Conflict while it is in production or a promotion of it is open, InvalidInput for a
    successor or a date that cannot be.
    """
    if actor.user_id is None:
        raise Forbidden("A version is retired by a person.")
    version = _locked(version_id)
    successor = _sound_successor(version, successor_id)
    _check_date(sunset_at)
    _check_idle(version)
    before = _stated(version)
    version.successor = successor
    version.sunset_at = sunset_at
    version.deprecated_at = version.deprecated_at or timezone.now()
    version.save(update_fields=["successor", "sunset_at", "deprecated_at"])
    if version.stage != Stage.ARCHIVED:
        enter_stage(
            version, Stage.ARCHIVED, actor=actor, reason=StageReason.RETIRED, comment=comment
        )
    record(
        "version:retired",
        subject=version.public_id,
        actor=actor,
        project_id=version.project_id,
        label=str(version),
        before=before,
        after={**_stated(version), "comment": comment},
    )
    return version


def _locked(version_id: int) -> ModelVersion:
    found = ModelVersion.objects.get(pk=version_id)
    Model.objects.select_for_update().get(pk=found.model_id)
    return (
        ModelVersion.objects.select_for_update(of=("self",))
        .select_related("model__project", "successor")
        .get(pk=version_id)
    )


def _sound_successor(version: ModelVersion, successor_id: int) -> ModelVersion:
    successor = version.model.versions.filter(pk=successor_id).first()
    if successor is None or successor.pk == version.pk:
        raise InvalidInput("The successor is another version of the same model.")
    if successor.artifact_state != ArtifactState.READY:
        raise InvalidInput(f"{successor} is {successor.artifact_state}; a successor is ready.")
    if successor.deprecated_at is not None:
        raise InvalidInput(f"{successor} is retired itself; name a version that stays.")
    return successor


def _check_date(sunset_at: datetime) -> None:
    if sunset_at <= timezone.now():
        raise InvalidInput("The date on which it goes away lies ahead.", sunset_at=str(sunset_at))


def _check_idle(version: ModelVersion) -> None:
    if version.stage == Stage.PRODUCTION:
        raise Conflict(f"{version} is in production; promote another version or roll back first.")
    if version.promotions.filter(status=PromotionStatus.REQUESTED).exists():
        raise Conflict(f"A promotion of {version} waits for a decision; decide it first.")


def _stated(version: ModelVersion) -> dict[str, str]:
    if version.sunset_at is None:
        return {}
    return {"successor": str(version.successor), "sunset_at": version.sunset_at.isoformat()}
