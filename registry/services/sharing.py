from django.db import transaction

from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import Actor, record
from registry.choices import SecurityLevel, ShareRight
from registry.models import Model, ModelShare, ModelVersion

NEVER_SHARED = SecurityLevel.RESTRICTED


@transaction.atomic
def share_model(
    *, model_id: int, project: Project | None, right: ShareRight, actor: Actor
) -> ModelShare:
    """Let another project, or with None everybody who logged in, see a model or derive from it.

    Sharing again changes the right. Raises Conflict for an archived model, InvalidInput for its
    own project.
    """
    if actor.user_id is None:
        raise Forbidden("A model is shared by a person.")
    model = Model.objects.select_for_update().get(pk=model_id)
    if model.archived_at is not None:
        raise Conflict(f"{model} is archived; restore it first.")
    if project is not None and project.pk == model.project_id:
        raise InvalidInput(f"{model} belongs to {project.slug}; its members see it already.")
    before = ModelShare.objects.filter(model=model, project=project).first()
    share, _ = ModelShare.objects.update_or_create(
        model=model,
        project=project,
        defaults={"right": right, "shared_by_id": actor.user_id},
    )
    _record("model:shared", share, actor, before=before.right if before else "", after=right)
    return share


@transaction.atomic
def unshare_model(*, model_id: int, share_id: str, actor: Actor) -> None:
    """Take a share back, named by its public id. Versions derived meanwhile keep their parent.

    Raises NotFound where the model has no such share.
    """
    model = Model.objects.select_for_update().get(pk=model_id)
    share = model.shares.select_related("project").filter(public_id=share_id).first()
    if share is None:
        raise NotFound("There is no such share.")
    _record("model:unshared", share, actor, before=share.right, after="")
    share.delete()


def may_derive(parent: ModelVersion, project: Project) -> bool:
    """Whether versions of a project may have this parent."""
    if parent.project_id == project.pk:
        return True
    if parent.security_level == NEVER_SHARED:
        return False
    return Model.objects.derivable_by(project.pk).filter(pk=parent.model_id).exists()


def _record(tag: str, share: ModelShare, actor: Actor, *, before: str, after: str) -> None:
    named = share.project.slug if share.project else "everybody"
    record(
        tag,
        subject=share.model.public_id,
        actor=actor,
        project_id=share.model.project_id,
        label=share.model.model_id,
        before={"with": named, "right": before} if before else {},
        after={"with": named, "right": after} if after else {},
    )


__all__ = ["ShareRight", "may_derive", "share_model", "unshare_model"]
