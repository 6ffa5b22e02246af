import pytest
from django.db import IntegrityError, connection, models

from hokusai.accounts.models import Project, User
from hokusai.core.errors import InvalidTransition
from registry.choices import ArtifactState, DatasetState, PromotionStatus, Stage
from registry.models import DatasetVersion, ModelVersion, Promotion
from tests.factories import (
    BenchmarkFactory,
    DatasetFactory,
    DatasetVersionFactory,
    LineageEdgeFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionFactory,
    UserFactory,
    VersionTagFactory,
    member,
)


@pytest.mark.django_db
@pytest.mark.parametrize("model", [ModelVersion, Promotion, DatasetVersion])
def test_states_that_the_code_does_not_know_cannot_be_stored(model: type[models.Model]) -> None:
    field = {ModelVersion: "stage", Promotion: "status", DatasetVersion: "state"}[model]
    {
        ModelVersion: ModelVersionFactory,
        Promotion: PromotionFactory,
        DatasetVersion: DatasetVersionFactory,
    }[model]()
    with pytest.raises(IntegrityError):
        model.objects.update(**{field: "other"})


@pytest.mark.django_db
def test_a_model_has_one_version_in_production() -> None:
    version = ModelVersionFactory(stage=Stage.PRODUCTION)
    ModelVersionFactory(stage=Stage.PRODUCTION)
    ModelVersionFactory(model=version.model, stage=Stage.STAGING)
    with pytest.raises(IntegrityError, match="version_one_in_production"):
        ModelVersionFactory(model=version.model, stage=Stage.PRODUCTION)


@pytest.mark.django_db
def test_a_number_is_given_once_within_a_model() -> None:
    version = ModelVersionFactory()
    with pytest.raises(IntegrityError, match="version_numbered_once"):
        ModelVersionFactory(model=version.model, number=version.number)


@pytest.mark.django_db
def test_a_ready_artifact_has_a_digest() -> None:
    ModelVersionFactory(artifact_state=ArtifactState.PENDING, tree_digest="")
    with pytest.raises(IntegrityError, match="version_ready_has_digest"):
        ModelVersionFactory(artifact_state=ArtifactState.READY, tree_digest="")


@pytest.mark.django_db
def test_nobody_approves_their_own_request_not_even_past_the_service() -> None:
    user = UserFactory()
    PromotionFactory(status="refused", requested_by=user, decided_by=user)
    with pytest.raises(IntegrityError, match="promotion_by_two_persons"):
        PromotionFactory(status="approved", requested_by=user, decided_by=user)


@pytest.mark.django_db
def test_one_request_for_a_stage_is_open() -> None:
    first = PromotionFactory()
    PromotionFactory(version=first.version, target=Stage.STAGING)
    with pytest.raises(IntegrityError, match="promotion_one_open"):
        PromotionFactory(version=first.version)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("factory", "fields"),
    [
        (DatasetFactory, ("project", "slug")),
        (ModelFactory, ("project", "slug")),
        (DatasetVersionFactory, ("dataset", "number")),
        (VersionTagFactory, ("version", "key")),
        (LineageEdgeFactory, ("src", "dst", "kind")),
    ],
)
def test_what_is_named_once_cannot_be_named_twice(factory: type, fields: tuple[str, ...]) -> None:
    first = factory()
    with pytest.raises(IntegrityError):
        factory(**{field: getattr(first, field) for field in fields})


@pytest.mark.django_db
def test_a_model_id_is_never_reused() -> None:
    model = ModelFactory()
    with pytest.raises(IntegrityError):
        ModelFactory(model_id=model.model_id)


ARTIFACT = {
    "pending": {"copying", "failed"},
    "copying": {"copying", "ready", "failed"},
    "ready": set(),
    "failed": {"copying"},
}
STAGES = {
    "none": {"development", "staging", "production", "archived"},
    "development": {"staging", "production", "archived"},
    "staging": {"production", "archived"},
    "production": {"archived"},
    "archived": {"production"},
}


@pytest.mark.parametrize("target", ArtifactState.values)
@pytest.mark.parametrize("state", ArtifactState.values)
def test_artifacts_move_only_where_they_may(state: str, target: str) -> None:
    version = ModelVersion(artifact_state=state)
    if target in ARTIFACT[state]:
        version.move_artifact_to(ArtifactState(target))
        assert version.artifact_state == target
    else:
        with pytest.raises(InvalidTransition):
            version.move_artifact_to(ArtifactState(target))
        assert version.artifact_state == state


@pytest.mark.parametrize("target", Stage.values)
@pytest.mark.parametrize("stage", Stage.values)
def test_stages_move_only_where_they_may(stage: str, target: str) -> None:
    version = ModelVersion(stage=stage)
    if target in STAGES[stage]:
        version.move_stage_to(Stage(target))
        assert version.stage == target
    else:
        with pytest.raises(InvalidTransition):
            version.move_stage_to(Stage(target))
        assert version.stage == stage


def test_what_was_decided_stays_decided() -> None:
    for status in ("approved", "refused", "cancelled"):
        for target in PromotionStatus:
            with pytest.raises(InvalidTransition):
                Promotion(status=status).move_to(target)
    for state in ("usable", "refused"):
        for target in DatasetState:
            with pytest.raises(InvalidTransition):
                DatasetVersion(state=state).move_to(target)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "reads"),
    [("viewer", False), ("engineer", False), ("reviewer", True), ("owner", False)],
)
def test_a_benchmarks_rows_are_read_by_stewards_alone(
    role: str, reads: bool, project: Project
) -> None:
    sealed = BenchmarkFactory(project=project).dataset_version
    plain = DatasetVersionFactory(dataset__project=project)
    user: User = member(project, role)
    readable = set(DatasetVersion.objects.readable_by(user))
    assert readable == ({sealed, plain} if reads else {plain})


@pytest.mark.django_db
def test_outsiders_read_no_rows() -> None:
    DatasetVersionFactory()
    steward_elsewhere = member(DatasetFactory().project, "reviewer")
    assert not DatasetVersion.objects.readable_by(steward_elsewhere).exists()


@pytest.mark.django_db
def test_what_is_registered_often_has_no_index_twice() -> None:
    """An index whose columns begin another's costs each new row and finds nothing more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename IN"
            " ('registry_versiontag', 'registry_versionmetric', 'registry_modelversion')"
        )
        texts = [row[0] for row in cursor.fetchall()]
    assert any("version_one_in_production" in text for text in texts)
    for table, column in (
        ("registry_versiontag", "(version_id)"),
        ("registry_versionmetric", "(version_id)"),
        ("registry_modelversion", "(project_id)"),
    ):
        assert not [text for text in texts if f".{table} " in text and text.endswith(column)]
