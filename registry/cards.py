"""A version's model card: what people wrote, or a draft of what is known."""

from dataclasses import dataclass
from typing import Any

from registry.algorithms import cards
from registry.algorithms.cards import CardFacts, Evaluation
from registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class ModelCard:
    """`html`: the body, safe to show; `missing`: what a complete card still lacks."""

    text: str
    metadata: dict[str, Any]
    html: str
    missing: list[str]
    draft: bool


def card_of(version: ModelVersion) -> ModelCard:
    """The card as it is shown; of a version without one, a draft from its metadata."""
    text = version.card or cards.render(_facts(version))
    card = cards.parse(text)
    return ModelCard(
        text=text,
        metadata=card.metadata,
        html=cards.to_html(card.body),
        missing=cards.missing(card),
        draft=not version.card,
    )


def _facts(version: ModelVersion) -> CardFacts:
    names = [str(row) for row in version.training_data.select_related("dataset")]
    parent = version.parent
    return CardFacts(
        name=f"{version.model.name} v{version.number}",
        description=version.description or version.model.description,
        task=version.model.task,
        licence=version.licence,
        library=version.flavor,
        datasets=tuple(names),
        evaluations=tuple(
            Evaluation(metric=name, value=float(value), task=version.model.task, dataset="stated")
            for name, value in sorted(version.metrics.items())
            if isinstance(value, int | float)
        ),
        base_models=(str(parent),) if parent and parent.project_id == version.project_id else (),
        tags=tuple(sorted(tag.key for tag in version.tags.all() if "hokusai." not in tag.key)),
    )
