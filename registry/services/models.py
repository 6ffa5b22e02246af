from django.core.exceptions import ValidationError
from django.db import transaction

from hokusai.accounts.models import Project
from hokusai.core.errors import Conflict, InvalidInput
from hokusai.core.events import Actor, record
from hokusai.core.fields import slug_validator
from registry.models import Model


@transaction.atomic
def create_model(
    *,
    project: Project,
    slug: str,
    name: str,
    actor: Actor,
    description: str = "",
    task: str = "classification",
) -> Model:
    """Make an empty line of versions. Raises Conflict where the name was ever used."""
    model, created = get_or_create_model(project, slug, actor, name, description, task=task)
    if not created:
        raise Conflict(f"The project has a model {slug!r} already.", model_id=model.model_id)
    return model


def get_or_create_model(
    project: Project, slug: str, actor: Actor, name: str, description: str = "", *, task: str
) -> tuple[Model, bool]:
    """The line of a name, and whether it was made now.

    Raises InvalidInput, or Conflict where it is archived.
    """
    _check_slug(slug)
    model, created = Model.objects.get_or_create(
        project=project,
        slug=slug,
        defaults={
            "model_id": f"{project.slug}.{slug}",
            "name": name or slug,
            "description": description,
            "task": task,
        },
    )
    if created:
        record(
            "model:created",
            subject=model.public_id,
            actor=actor,
            project_id=project.pk,
            label=model.model_id,
            after={"model_id": model.model_id, "task": task},
        )
    if model.archived_at is not None:
        raise Conflict(f"{model} is archived; restore it first.", model_id=model.model_id)
    return model, created


def _check_slug(slug: str) -> None:
    try:
        slug_validator(slug)
    except ValidationError as error:
        raise InvalidInput(error.messages[0], model=slug) from error
