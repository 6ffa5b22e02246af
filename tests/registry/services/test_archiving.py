import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from hokusai.core.errors import Conflict
from hokusai.core.events import Actor
from hokusai.core.models import Event
from registry import services
from registry.choices import Stage
from tests.factories import (
    AttestationFactory,
    DatasetFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionFactory,
    RevisionFactory,
)

pytestmark = pytest.mark.django_db


def test_an_archived_model_comes_back(actor: Actor) -> None:
    model = ModelFactory()
    services.archive_model(model_id=model.pk, actor=actor, comment="over")
    model.refresh_from_db()
    assert model.archived_at is not None
    with pytest.raises(Conflict):
        services.archive_model(model_id=model.pk, actor=actor)
    services.unarchive_model(model_id=model.pk, actor=actor)
    model.refresh_from_db()
    assert model.archived_at is None
    with pytest.raises(Conflict):
        services.unarchive_model(model_id=model.pk, actor=actor)
    tags = Event.objects.of(model.public_id).order_by("pk").values_list("tag", flat=True)
    assert list(tags) == ["model:archived", "model:restored"]


def test_a_model_in_production_is_not_archived(actor: Actor) -> None:
    serving = ModelVersionFactory(stage=Stage.PRODUCTION)
    with pytest.raises(Conflict, match="in production"):
        services.archive_model(model_id=serving.model.pk, actor=actor)


def test_a_model_whose_promotion_is_open_is_not_archived(actor: Actor) -> None:
    promotion = PromotionFactory()
    with pytest.raises(Conflict, match="waits for a decision"):
        services.archive_model(model_id=promotion.version.model.pk, actor=actor)


def test_an_archived_model_takes_no_version(actor: Actor) -> None:
    model = ModelFactory(archived_at=timezone.now())
    with pytest.raises(Conflict, match="archived"):
        services.register_version(
            project=model.project, slug=model.slug, source=f"runs:/{'0' * 32}/model", actor=actor
        )


def test_an_archived_dataset_comes_back(actor: Actor) -> None:
    dataset = DatasetFactory()
    services.archive_dataset(dataset_id=dataset.pk, actor=actor)
    with pytest.raises(Conflict):
        services.archive_dataset(dataset_id=dataset.pk, actor=actor)
    services.unarchive_dataset(dataset_id=dataset.pk, actor=actor)
    dataset.refresh_from_db()
    assert dataset.archived_at is None


def test_what_is_attested_served_or_derived_from_cannot_vanish() -> None:
    attested = AttestationFactory().improvement
    served = RevisionFactory().version
    parent = ModelVersionFactory()
    ModelVersionFactory(model=parent.model, parent=parent)
    for row in (attested.candidate, attested.comparison, served, parent, parent.model):
        with pytest.raises(ProtectedError):
            row.delete()
