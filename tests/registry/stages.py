"""A version in another stage, with the history that the database asks for."""

from registry.choices import Stage, StageReason
from registry.models import ModelVersion, StageChange
from tests.factories import PromotionFactory


def enter(version: ModelVersion, stage: Stage) -> None:
    """Move a version as a promotion, or a displacement, would have."""
    archived = stage == Stage.ARCHIVED
    promotion = (
        None if archived else PromotionFactory(version=version, target=stage, status="approved")
    )
    StageChange.objects.create(
        model=version.model,
        version=version,
        before=version.stage,
        after=stage,
        reason=StageReason.DISPLACED if archived else StageReason.PROMOTED,
        promotion=promotion,
        actor="system:hokusai",
    )
    version.stage = stage
    version.save(update_fields=["stage"])
