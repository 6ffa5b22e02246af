"""Versions that the platform made itself, from files that it kept before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from hokusai.core.errors import Forbidden
from hokusai.core.events import Actor
from registry.models import Model, ModelVersion
from registry.services.metadata import checked_tags
from registry.services.models import get_or_create_model
from registry.services.versions import Beside, insert_version
from registry.training import resolve_training_data


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: by whom (a public id), as which tree, from which dataset versions (ids)."""

    maker: str
    tree_digest: str
    parent: ModelVersion
    training_data: Sequence[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    code_revision: str = ""


@transaction.atomic
def register_made(*, model: Model, made: Made, actor: Actor) -> ModelVersion:
    """Register files that were kept as the next version of a model; a worker looks through them.

    Raises InvalidInput for data that may not serve training, Conflict where the model is archived
    or its maker registered this tree before.
    """
    if actor.user_id is None:
        raise Forbidden("A version is registered by a person.")
    get_or_create_model(model.project, model.slug, actor, model.name, task=model.task)
    data = resolve_training_data(made.training_data, model.project)
    said = {
        "source": f"made:/{made.maker}/{made.tree_digest}",
        "parent": made.parent,
        "description": made.description,
        "parameters": dict(made.parameters),
        "code_revision": made.code_revision,
        "registered_by_id": actor.user_id,
    }
    return insert_version(model, said, Beside(checked_tags(made.tags), data, ()), actor)
