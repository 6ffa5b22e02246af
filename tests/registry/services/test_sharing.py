import pytest
from django.utils import timezone

from hokusai.accounts.models import Project
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from hokusai.core.events import SYSTEM, Actor
from hokusai.core.models import Event
from registry import services
from registry.choices import ShareRight
from registry.models import Model, ModelShare, ModelVersion
from tests.factories import (
    ModelFactory,
    ModelShareFactory,
    ModelVersionFactory,
    ProjectFactory,
    UserFactory,
    member,
)

pytestmark = pytest.mark.django_db
SOURCE = f"runs:/{'0' * 32}/model"


@pytest.fixture
def other() -> Project:
    found: Project = ProjectFactory()
    return found


def share(model: Model, project: Project | None, actor: Actor, right: str = "read") -> ModelShare:
    return services.share_model(
        model_id=model.pk, project=project, right=ShareRight(right), actor=actor
    )


def test_sharing_again_changes_the_right(actor: Actor, other: Project) -> None:
    model = ModelFactory()
    share(model, other, actor)
    share(model, other, actor, "derive")
    assert ModelShare.objects.get().right == ShareRight.DERIVE
    last = Event.objects.filter(tag="model:shared").order_by("-pk").first()
    assert last is not None
    assert (last.before["right"], last.after["right"]) == ("read", "derive")


def test_with_everybody_is_a_share_of_its_own(actor: Actor, other: Project) -> None:
    model = ModelFactory()
    share(model, other, actor)
    share(model, None, actor)
    share(model, None, actor)
    assert ModelShare.objects.count() == 2


def test_with_its_own_project_there_is_nothing_to_share(actor: Actor) -> None:
    model = ModelFactory()
    with pytest.raises(InvalidInput):
        share(model, model.project, actor)


def test_an_archived_model_is_not_shared(actor: Actor, other: Project) -> None:
    with pytest.raises(Conflict):
        share(ModelFactory(archived_at=timezone.now()), other, actor)


def test_the_platform_shares_nothing(other: Project) -> None:
    with pytest.raises(Forbidden):
        share(ModelFactory(), other, SYSTEM)


def test_a_share_of_another_model_is_not_taken_back(actor: Actor) -> None:
    given = ModelShareFactory()
    with pytest.raises(NotFound):
        services.unshare_model(model_id=ModelFactory().pk, share_id=given.public_id, actor=actor)
    services.unshare_model(model_id=given.model.pk, share_id=given.public_id, actor=actor)
    assert not ModelShare.objects.exists()
    assert Event.objects.filter(tag="model:unshared", subject=given.model.public_id).exists()


@pytest.mark.parametrize("shared_with", ["project", "everybody"])
@pytest.mark.parametrize(("right", "may"), [("read", False), ("derive", True)])
def test_only_who_may_derive_builds_on_another_projects_version(
    right: str, may: bool, shared_with: str, other: Project
) -> None:
    parent = ModelVersionFactory()
    assert not services.may_derive(parent, other)
    to = other if shared_with == "project" else None
    ModelShareFactory(model=parent.model, project=to, right=right)
    assert services.may_derive(parent, other) is may
    assert services.may_derive(parent, parent.project)


def test_what_is_restricted_is_not_derived_from(other: Project) -> None:
    parent = ModelVersionFactory(security_level="restricted")
    ModelShareFactory(model=parent.model, project=other, right="derive")
    assert not services.may_derive(parent, other)
    assert services.may_derive(parent, parent.project)


def test_a_version_has_its_parent_in_another_project_and_keeps_it(other: Project) -> None:
    parent = ModelVersionFactory()
    given = ModelShareFactory(model=parent.model, project=other, right="derive")
    actor = actor_of(member(other))
    child = services.register_version(
        project=other, slug="derived", source=SOURCE, parent=parent, actor=actor
    )
    services.unshare_model(model_id=parent.model.pk, share_id=given.public_id, actor=actor)
    child.refresh_from_db()
    assert child.parent == parent
    with pytest.raises(Forbidden):
        services.register_version(
            project=other, slug="again", source=SOURCE, parent=parent, actor=actor
        )


def test_those_it_is_shared_with_see_the_model_and_its_versions(other: Project) -> None:
    version = ModelVersionFactory()
    secret = ModelVersionFactory(model=version.model, security_level="restricted")
    viewer, stranger = member(other, "viewer"), UserFactory()
    ModelShareFactory(model=version.model, project=other)
    for named in ("visible_to", "at_hand"):
        models = getattr(Model.objects, named)
        versions = getattr(ModelVersion.objects, named)
        assert list(models(viewer)) == [version.model]
        assert list(versions(viewer)) == [version]
        assert not models(stranger).exists()
        assert not versions(stranger).exists()
    assert secret in ModelVersion.objects.at_hand(member(version.project))
