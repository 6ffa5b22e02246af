import pytest
from django.utils import timezone
from pytest_django import Settings

from hokusai.core.models import Event
from hokusai.storage import stores
from hokusai.storage.memory import MemoryStore
from registry.checks import (
    ArtifactVerified,
    CardComplete,
    DependenciesResolvable,
    LicenceAllowed,
    ScanReviewed,
    SecurityLevelAllowed,
)
from registry.choices import Stage
from registry.models import ModelVersion
from tests.factories import (
    CARD,
    ArtifactScanFactory,
    ModelVersionFactory,
    PromotionFactory,
    UserFactory,
)
from tests.registry.conftest import LogRun


def version_of(log_run: LogRun) -> ModelVersion:
    manifest = stores["default"].put_tree(log_run().files)
    return ModelVersion(artifact_state="ready", tree_digest=manifest.digest)


def test_stored_bytes_that_match_pass(log_run: LogRun) -> None:
    result = ArtifactVerified().run(version_of(log_run))
    assert result.passed
    assert result.message.startswith("2 files match")


@pytest.mark.django_db
def test_a_changed_byte_fails_and_is_on_record(log_run: LogRun) -> None:
    version = ModelVersionFactory(tree_digest=version_of(log_run).tree_digest)
    store = stores["default"]
    assert isinstance(store, MemoryStore)
    store.blobs = {digest: content + b"!" for digest, content in store.blobs.items()}
    result = ArtifactVerified().run(version)
    assert not result.passed
    assert "no longer match" in result.message
    assert Event.objects.get(tag="content:damaged").subject == version.public_id


def test_bytes_that_are_gone_fail(log_run: LogRun) -> None:
    version = version_of(log_run)
    stores.forget()
    assert not ArtifactVerified().run(version).passed


@pytest.mark.parametrize("state", ["pending", "copying", "failed"])
def test_an_artifact_that_is_not_ready_fails(state: str) -> None:
    assert not ArtifactVerified().run(ModelVersion(artifact_state=state)).passed


@pytest.mark.django_db
def test_a_version_that_was_never_scanned_fails() -> None:
    assert not ScanReviewed().run(ModelVersionFactory()).passed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verdict", "passed"), [("clean", True), ("suspicious", False), ("dangerous", False)]
)
def test_findings_need_a_reviewer(verdict: str, passed: bool) -> None:
    scan = ArtifactScanFactory(verdict=verdict)
    assert ScanReviewed().run(scan.version).passed is passed


@pytest.mark.django_db
def test_reviewed_findings_pass_unless_the_reviewer_has_a_part() -> None:
    reviewer = UserFactory()
    scan = ArtifactScanFactory(
        verdict="dangerous", reviewed_by=reviewer, reviewed_at=timezone.now()
    )
    assert ScanReviewed().run(scan.version).passed
    PromotionFactory(version=scan.version, requested_by=reviewer)
    result = ScanReviewed().run(scan.version)
    assert not result.passed
    assert "asked for this promotion" in result.message


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("", "no model card"),
        ("# Forecast", "says nothing of"),
        (CARD.replace("license: mit", "tags: []"), "licence"),
        (CARD.replace("## Limitations\nStorms.", ""), "limitations"),
        ("---\n[\n---\n", "cannot be read"),
    ],
)
def test_a_card_that_lacks_something_fails_and_says_what(card: str, words: str) -> None:
    result = CardComplete().run(ModelVersion(card=card))
    assert not result.passed
    assert words in result.message


def test_a_complete_card_passes() -> None:
    assert CardComplete().run(ModelVersion(card=CARD)).passed


@pytest.mark.django_db
def test_requirements_that_contradict_each_other_fail() -> None:
    sound = [{"name": "numpy", "specifier": ">=1", "marker": ""}]
    version = ModelVersionFactory(requirements=sound)
    assert DependenciesResolvable().run(version).passed
    version.requirements = [*sound, {"name": "numpy", "specifier": "<1", "marker": ""}]
    result = DependenciesResolvable().run(version)
    assert not result.passed
    assert "numpy" in result.message


@pytest.mark.django_db
def test_what_is_fetched_from_a_place_fails() -> None:
    elsewhere = {"name": "tool", "specifier": "", "marker": "", "url": "https://example.org/t.whl"}
    assert not DependenciesResolvable().run(ModelVersionFactory(requirements=[elsewhere])).passed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"artifact_state": "failed"}, "failed"),
        ({"deprecated_at": timezone.now()}, "retired"),
        ({"stage": "archived"}, "archived"),
    ],
)
def test_a_version_that_it_uses_must_be_alive(state: dict[str, object], words: str) -> None:
    version = ModelVersionFactory()
    version.uses.add(ModelVersionFactory(model=version.model))
    assert DependenciesResolvable().run(version).passed
    version.uses.add(ModelVersionFactory(model=version.model, **state))
    result = DependenciesResolvable().run(version)
    assert not result.passed
    assert words in result.message


@pytest.mark.parametrize(
    ("licence", "passed"),
    [("", False), ("MIT", True), ("GPL-3.0-only", False), ("GPL-3.0-only OR MIT", True)],
)
def test_only_licences_of_the_setting_are_allowed(
    licence: str, passed: bool, settings: Settings
) -> None:
    settings.ALLOWED_LICENCES = ["MIT"]
    assert LicenceAllowed().run(ModelVersion(licence=licence)).passed is passed


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("visibility", "level", "target", "passed"),
    [
        ("private", "restricted", Stage.PRODUCTION, True),
        ("public", "restricted", Stage.PRODUCTION, False),
        ("public", "restricted", Stage.STAGING, False),
        ("public", "restricted", Stage.DEVELOPMENT, True),
        ("public", "confidential", Stage.PRODUCTION, False),
        ("public", "confidential", Stage.STAGING, True),
        ("public", "internal", Stage.PRODUCTION, True),
    ],
)
def test_what_is_secret_enters_no_stage_that_everybody_sees(
    visibility: str, level: str, target: Stage, passed: bool
) -> None:
    version = ModelVersionFactory(model__project__visibility=visibility, security_level=level)
    assert SecurityLevelAllowed().run_for(version, target).passed is passed


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["parent", "uses"])
def test_a_version_is_not_less_secret_than_what_it_is_made_from(source: str) -> None:
    secret = ModelVersionFactory(security_level="confidential")
    parent = secret if source == "parent" else None
    version = ModelVersionFactory(model=secret.model, parent=parent, security_level="internal")
    if source == "uses":
        version.uses.add(secret)
    result = SecurityLevelAllowed().run(version)
    assert not result.passed
    assert "confidential" in result.message
    version.security_level = "restricted"
    assert SecurityLevelAllowed().run(version).passed
