import pytest

from registry.search import facets, facets_of, read_search, viewer_of_key
from registry.search.facets import Count, Facets
from tests.factories import ModelFactory, ModelVersionFactory, VersionTagFactory

pytestmark = pytest.mark.django_db


def counted(model, **given: list[str]) -> Facets:
    return facets_of(read_search(given), viewer_of_key(model.project.pk))


@pytest.fixture
def model():
    row = ModelFactory()
    for stage, flavor in (("none", "sklearn"), ("none", "onnx"), ("staging", "onnx")):
        version = ModelVersionFactory(model=row, stage=stage, flavor=flavor)
        VersionTagFactory(version=version, key="team", value="a" if stage == "none" else "b")
    ModelVersionFactory(stage="archived")
    return row


def test_values_are_counted_most_frequent_first(model) -> None:
    found = counted(model)
    assert (found.total, found.at_least) == (3, False)
    assert found.counts["stage"] == [Count("none", 2), Count("staging", 1)]
    assert found.counts["flavor"] == [Count("onnx", 2), Count("sklearn", 1)]
    assert found.counts["model"] == [Count(model.model_id, 3)]
    assert found.counts["project"] == [Count(model.project.slug, 3)]
    (team,) = found.tags
    assert (team.key, team.count) == ("team", 3)
    assert team.values == [Count("a", 2), Count("b", 1)]


def test_filters_narrow_what_is_counted(model) -> None:
    found = counted(model, tag=["team=b"])
    assert found.counts["stage"] == [Count("staging", 1)]
    assert counted(model, text=["nothing"]).total == 0


def test_past_the_cap_it_is_told_that_there_are_more(model, monkeypatch) -> None:
    monkeypatch.setattr(facets, "CAP", 2)
    found = counted(model)
    assert (found.total, found.at_least) == (2, True)
    assert found.counts["stage"] == [Count("none", 1), Count("staging", 1)]
