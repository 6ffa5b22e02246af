import pytest

from hokusai.core.errors import InvalidInput
from hokusai.core.events import Actor
from hokusai.core.models import Event
from registry import services
from registry.exceptions import TooManyTags
from registry.models import ModelVersion
from tests.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    found: ModelVersion = ModelVersionFactory()
    return found


def tags_of(version: ModelVersion) -> dict[str, object]:
    return {tag.key: tag.content for tag in version.tags.all()}


def test_what_is_said_anew_is_recorded_with_what_was_said_before(
    version: ModelVersion, actor: Actor
) -> None:
    services.describe_version(version_id=version.pk, licence="apache-2.0", actor=actor)
    services.describe_version(version_id=version.pk, licence="MIT", description="x", actor=actor)
    version.refresh_from_db()
    assert (version.licence, version.description) == ("MIT", "x")
    event = Event.objects.filter(tag="version:described").first()
    assert event is not None
    assert event.before == {"licence": "Apache-2.0", "description": ""}
    assert event.after == {"licence": "MIT", "description": "x"}


def test_saying_the_same_again_records_nothing(version: ModelVersion, actor: Actor) -> None:
    services.describe_version(version_id=version.pk, security_level="internal", actor=actor)
    assert not Event.objects.filter(tag="version:described").exists()


@pytest.mark.parametrize(
    "said",
    [
        {"licence": "my own rules"},
        {"card": "---\n- a list\n---\n"},
        {"card": "x" * 200_001},
        {"card": "a\0b"},
        {"security_level": "secret"},
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_changes(
    said: dict[str, str], version: ModelVersion, actor: Actor
) -> None:
    with pytest.raises(InvalidInput):
        services.describe_version(
            version_id=version.pk, **{"description": "new", **said}, actor=actor
        )
    version.refresh_from_db()
    assert version.description == ""


def test_tags_are_kept_as_what_they_are(version: ModelVersion, actor: Actor) -> None:
    tags = {
        "team": "tides",
        "rows": 1200,
        "final": True,
        "until": {"value": "2026-11-20", "kind": "date"},
    }
    services.set_tags(version_id=version.pk, tags=tags, actor=actor)
    kept = tags_of(version)
    assert (kept["team"], kept["rows"], kept["final"]) == ("tides", 1200, True)
    assert str(kept["until"]).startswith("2026-11-20")
    assert version.tags.get(key="until").number == 1_795_132_800


def test_a_tag_set_again_gets_the_new_value_and_kind(version: ModelVersion, actor: Actor) -> None:
    services.set_tags(version_id=version.pk, tags={"rows": "many"}, actor=actor)
    services.set_tags(version_id=version.pk, tags={"rows": 3}, actor=actor)
    assert tags_of(version) == {"rows": 3}


@pytest.mark.parametrize(
    "tags",
    [
        {f"t{n}": "x" for n in range(10_000)},
        {"hokusai.stage": "production"},
        {"": "x"},
        {"a": "x" * 501},
        {"k" * 101: "x"},
        {"a": "nul\0"},
        {"a": [1]},
        {"a": {"value": "soon", "kind": "date"}},
        {"a": {"value": "x", "kind": "colour"}},
        {"a": float("inf")},
    ],
    ids=lambda tags: next(iter(tags))[:10],
)
def test_tags_that_cannot_be_kept_are_refused_whole(
    tags: dict[str, object], version: ModelVersion, actor: Actor
) -> None:
    with pytest.raises(InvalidInput):
        services.set_tags(version_id=version.pk, tags={"good": "x", **tags}, actor=actor)
    assert tags_of(version) == {}


def test_keys_in_other_alphabets_are_kept(version: ModelVersion, actor: Actor) -> None:
    services.set_tags(version_id=version.pk, tags={"Schlüssel": "北斎"}, actor=actor)
    assert tags_of(version) == {"Schlüssel": "北斎"}


def test_a_version_never_has_more_tags_than_the_limit(version: ModelVersion, actor: Actor) -> None:
    services.set_tags(version_id=version.pk, tags={f"a{n}": "x" for n in range(200)}, actor=actor)
    with pytest.raises(TooManyTags):
        services.set_tags(version_id=version.pk, tags={"b": "x"}, actor=actor)
    services.set_tags(version_id=version.pk, tags={"a1": "y"}, actor=actor)


def test_a_tag_is_taken_off_and_what_it_was_is_recorded(
    version: ModelVersion, actor: Actor
) -> None:
    services.set_tags(version_id=version.pk, tags={"a": "1", "b": "2"}, actor=actor)
    services.remove_tags(version_id=version.pk, keys=["a"], actor=actor)
    assert tags_of(version) == {"b": "2"}
    event = Event.objects.filter(tag="version:tagged").first()
    assert event is not None
    assert (event.before, event.after) == ({"a": "1"}, {})


@pytest.mark.parametrize("key", ["absent", "hokusai.stage"])
def test_a_tag_that_is_not_there_or_not_yours_stays(
    key: str, version: ModelVersion, actor: Actor
) -> None:
    with pytest.raises(InvalidInput):
        services.remove_tags(version_id=version.pk, keys=[key], actor=actor)
