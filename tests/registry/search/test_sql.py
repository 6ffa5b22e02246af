"""Which versions a search finds, asked through the ids that its statement answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from hokusai.accounts.choices import Visibility
from registry.choices import EdgeKind, NodeKind
from registry.models import Model, ModelShare, ModelVersion, VersionMetric
from registry.search import (
    Viewer,
    keys_of,
    matching,
    read_search,
    viewer_of_key,
    viewer_of_person,
)
from tests.factories import (
    DatasetVersionFactory,
    LineageEdgeFactory,
    LineageNodeFactory,
    ModelFactory,
    ModelVersionFactory,
    ProjectFactory,
    SuperuserFactory,
    UserFactory,
    VersionTagFactory,
    member,
)

pytestmark = pytest.mark.django_db
EVERYTHING = Viewer(everything=True, projects=(), own=())


def ids(viewer: Viewer = EVERYTHING, **given: Any) -> list[int]:
    """Keys of the versions of one page, in its order."""
    asked = {name: [value] if isinstance(value, str) else value for name, value in given.items()}
    keys = keys_of(read_search(asked), viewer, limit=100)
    with connection.cursor() as cursor:
        cursor.execute(keys.text, keys.values)
        return [row[0] for row in cursor.fetchall()]


def tagged(**tags: Any) -> ModelVersion:
    version = ModelVersionFactory()
    for key, value in tags.items():
        number, kind = None, "text"
        if isinstance(value, datetime):
            number, kind = value.timestamp(), "date"
        elif isinstance(value, float):
            number, kind = value, "number"
        VersionTagFactory(version=version, key=key, value=str(value), number=number, kind=kind)
    return version


def scored(**metrics: float) -> ModelVersion:
    version = ModelVersionFactory()
    for key, value in metrics.items():
        VersionMetric.objects.create(version=version, key=key, value=value)
    return version


def test_all_tags_must_hold() -> None:
    both, _ = tagged(team="a", area="north"), tagged(team="a", area="south")
    assert ids(tag=["team=a", "area=north"]) == [both.pk]
    assert ids(tag=["team=a", "area=west"]) == []


def test_the_newest_comes_first_unless_the_oldest_is_asked_for() -> None:
    first, second, third = (tagged(team="a", area="x") for _ in range(3))
    newest = [third.pk, second.pk, first.pk]
    assert ids() == ids(tag=["team=a", "area=x"]) == newest
    assert ids(ordering="oldest") == ids(tag="team=a", ordering="oldest") == newest[::-1]


def test_numbers_and_dates_of_tags_have_ranges() -> None:
    low, high = tagged(lr=0.1), tagged(lr=0.9)
    old, new = (tagged(cut=datetime(year, 6, 1, tzinfo=UTC)) for year in (2024, 2026))
    assert ids(tag="lr>=0.5") == [high.pk]
    assert ids(tag="lr<=0.5") == [low.pk]
    assert ids(tag=["cut>=2025-01-01"]) == [new.pk]
    assert ids(tag=["cut<=2025-01-01"]) == [old.pk]
    assert ids(tag=["lr>=0.1", "lr<=0.9"]) == [high.pk, low.pk]


def test_metrics_have_ranges_and_give_an_order() -> None:
    good, bad = scored(accuracy=0.9, loss=1.0), scored(accuracy=0.2, loss=3.0)
    ModelVersionFactory()
    assert ids(metric="accuracy>=0.5") == [good.pk]
    assert ids(metric=["accuracy>=0.1", "loss>=2"]) == [bad.pk]
    assert ids(metric=["accuracy>=0.1", "accuracy<=0.3"]) == [bad.pk]
    assert ids(ordering="metric:accuracy") == [bad.pk, good.pk]
    assert ids(ordering="-metric:accuracy", metric=["loss<=5", "accuracy>=0.5"]) == [good.pk]


def test_a_metric_that_orders_a_search_by_tags() -> None:
    one, two = tagged(team="a"), tagged(team="a")
    for version, value in ((one, 0.9), (two, 0.1)):
        VersionMetric.objects.create(version=version, key="f1", value=value)
    assert ids(tag="team=a", ordering="-metric:f1") == [one.pk, two.pk]


def test_words_are_found_by_their_beginnings_in_names_and_descriptions() -> None:
    tides = ModelFactory(name="Tide levels", description="North Sea")
    lightgbm = ModelVersionFactory(model=tides, description="LightGBM, tuned")
    plain = ModelVersionFactory(model=tides)
    other = ModelVersionFactory(description="a lightgbm of waves")
    assert ids(text="light") == [other.pk, lightgbm.pk]
    assert ids(text="tide") == [plain.pk, lightgbm.pk]
    assert ids(text="tide light") == [lightgbm.pk]
    assert ids(text="light waves") == [other.pk]
    assert ids(text="tide waves") == []


def test_a_model_id_is_read_as_words() -> None:
    model = ModelFactory(slug="sea-forecast")
    version = ModelVersionFactory(model=model)
    assert ids(text="forecast") == ids(text=model.model_id) == [version.pk]


@pytest.mark.parametrize("text", ["'", "\\", "a:* | b", "!!!", "&", "日本"])
def test_whatever_is_typed_is_words(text: str) -> None:
    ModelVersionFactory()
    assert ids(text=text) == []


def test_a_dataset_finds_what_was_trained_on_any_of_its_versions() -> None:
    table = DatasetVersionFactory()
    later = DatasetVersionFactory(dataset=table.dataset)
    version = ModelVersionFactory()
    version.training_data.add(table)
    assert ids(dataset=table.public_id) == ids(dataset=table.dataset.public_id) == [version.pk]
    assert ids(dataset=later.public_id) == []


def test_a_dataset_of_a_foreign_project_finds_nothing() -> None:
    version = ModelVersionFactory(model__project__visibility=Visibility.PUBLIC)
    table = DatasetVersionFactory(dataset__project=version.project)
    version.training_data.add(table)
    outsider = viewer_of_person(UserFactory())
    assert ids(outsider) == [version.pk]
    assert ids(outsider, dataset=table.public_id) == []
    assert ids(viewer_of_person(member(version.project)), dataset=table.public_id) == [version.pk]


def given_by_somebody(version: ModelVersion) -> str:
    person = LineageNodeFactory(
        public_id=f"ctb_{'1' * 32}", kind=NodeKind.CONTRIBUTOR, project=None
    )
    gift = LineageNodeFactory(kind=NodeKind.CONTRIBUTION, project=version.project)
    rows = LineageNodeFactory(kind=NodeKind.DATASET, project=version.project)
    made = LineageNodeFactory(public_id=version.public_id, project=version.project)
    for src, dst, kind in (
        (person, gift, EdgeKind.GIVEN_BY),
        (gift, rows, EdgeKind.GIVEN_AS),
        (rows, made, EdgeKind.TRAINED_ON),
    ):
        LineageEdgeFactory(src=src, dst=dst, kind=kind)
    return person.public_id


def test_a_contributor_finds_what_was_trained_on_their_data() -> None:
    version = ModelVersionFactory(model__project__visibility=Visibility.PUBLIC)
    ModelVersionFactory(model=version.model)
    contributor = given_by_somebody(version)
    assert ids(contributor=contributor) == [version.pk]
    assert ids(viewer_of_key(version.project.pk), contributor=contributor) == [version.pk]
    # Contributions of a public project are its members' to know.
    assert ids(viewer_of_person(UserFactory()), contributor=contributor) == []


def test_columns_narrow_and_several_values_are_alternatives() -> None:
    staged = ModelVersionFactory(stage="staging", flavor="onnx", licence="MIT")
    other = ModelVersionFactory(stage="production", flavor="sklearn", security_level="public")
    assert ids(stage="staging") == ids(flavor="onnx") == ids(licence="MIT") == [staged.pk]
    assert ids(stage=["staging", "production"]) == [other.pk, staged.pk]
    assert ids(security_level="public") == ids(run_id=other.run_id) == [other.pk]
    assert ids(tree_digest=staged.tree_digest, artifact_state="ready") == [staged.pk]
    assert ids(model=staged.model.model_id) == ids(project=staged.project.slug) == [staged.pk]
    assert ids(model=[staged.model.model_id, other.model.model_id]) == [other.pk, staged.pk]


def test_time_has_two_ends() -> None:
    version = ModelVersionFactory()
    later = ModelVersionFactory()
    moments = ((version, 2024), (later, 2025))
    for row, year in moments:
        ModelVersion.objects.filter(pk=row.pk).update(created_at=datetime(year, 1, 1, tzinfo=UTC))
    assert ids(registered_after="2025-01-01") == [later.pk]
    assert ids(registered_before="2025-01-01") == [version.pk]


def world() -> dict[str, Model]:
    """One model of each kind, each with a version."""
    home, partner = ProjectFactory(slug="home"), ProjectFactory(slug="partner")
    models = {
        "own": ModelFactory(project=home),
        "public": ModelFactory(project__visibility=Visibility.PUBLIC),
        "foreign": ModelFactory(project=partner),
        "shared": ModelFactory(project=partner),
        "with_all": ModelFactory(project=partner),
    }
    for model in models.values():
        ModelVersionFactory(model=model)
    for name, project in (("shared", home), ("with_all", None)):
        ModelShare.objects.create(model=models[name], project=project, shared_by=UserFactory())
    return models


def names(viewer: Viewer, models: dict[str, Model]) -> set[str]:
    seen = set(ids(viewer))
    return {name for name, model in models.items() if model.versions.get().pk in seen}


def test_a_key_finds_its_project_and_what_is_shared_with_it() -> None:
    models = world()
    viewer = viewer_of_key(models["own"].project.pk)
    assert names(viewer, models) == {"own", "shared", "with_all"}


def test_people_find_what_the_queryset_of_visible_versions_holds() -> None:
    models = world()
    people = {
        "member": member(models["own"].project),
        "partner": member(models["foreign"].project),
        "outsider": UserFactory(),
        "superuser": SuperuserFactory(),
    }
    for user in people.values():
        seen = ModelVersion.objects.visible_to(user).values_list("pk", flat=True)
        assert set(ids(viewer_of_person(user))) == set(seen)
    assert names(viewer_of_person(people["member"]), models) == set(models) - {"foreign"}
    assert names(viewer_of_person(people["outsider"]), models) == {"public", "with_all"}


def test_nobody_in_particular_finds_what_is_public() -> None:
    models = world()
    assert "foreign" not in names(viewer_of_person(AnonymousUser()), models)


def test_filters_reach_into_shared_models() -> None:
    models = world()
    VersionTagFactory(version=models["shared"].versions.get(), key="team", value="a")
    VersionTagFactory(version=models["foreign"].versions.get(), key="team", value="a")
    viewer = viewer_of_key(models["own"].project.pk)
    assert ids(viewer, tag="team=a") == [models["shared"].versions.get().pk]


def test_what_matches_can_be_cut_to_the_newest() -> None:
    rows = [tagged(team="a") for _ in range(3)]
    keys = matching(read_search({"tag": ["team=a"], "text": []}), EVERYTHING, newest=2)
    with connection.cursor() as cursor:
        cursor.execute(keys.text, keys.values)
        assert [row[0] for row in cursor.fetchall()] == [rows[2].pk, rows[1].pk]
