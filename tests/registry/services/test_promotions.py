from collections.abc import Callable

import pytest
from django.utils import timezone

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.storage import stores
from registry import services
from registry.choices import ArtifactState, PromotionStatus, Stage
from registry.exceptions import ArtifactNotReady, ChecksFailed, NotIndependent
from registry.models import ModelVersion, Promotion
from tests.factories import (
    ComparisonFactory,
    ContributionFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionFactory,
    UserFactory,
    digest,
    member,
)
from tests.racing import race
from tests.registry.conftest import LogRun

pytestmark = pytest.mark.django_db
MakeVersion = Callable[..., ModelVersion]


@pytest.fixture
def make_version(project: Project, log_run: LogRun) -> MakeVersion:
    """Makes versions of one model whose bytes are in the store; without a parent, ones that won."""
    model = ModelFactory(project=project)

    def make(**fields: object) -> ModelVersion:
        manifest = stores["default"].put_tree(log_run().files)
        version: ModelVersion = ModelVersionFactory(
            model=model, tree_digest=manifest.digest, **fields
        )
        if version.number > 1 and version.parent is None:
            ComparisonFactory(candidate=version, status="accepted", decided_at=timezone.now())
        return version

    return make


@pytest.fixture
def reviewer(project: Project) -> User:
    return member(project, "reviewer")


def ask(version: ModelVersion, target: Stage = Stage.PRODUCTION) -> Promotion:
    return services.request_promotion(
        version_id=version.pk, target=target, actor=actor_of(UserFactory())
    )


def approve(promotion: Promotion, user: User) -> Promotion:
    return services.approve_promotion(promotion_id=promotion.pk, actor=actor_of(user))


def test_a_request_runs_its_checks_and_keeps_them(make_version: MakeVersion) -> None:
    promotion = ask(make_version())
    assert promotion.status == PromotionStatus.REQUESTED
    assert [(check["code"], check["passed"]) for check in promotion.checks] == [
        ("artifact_verified", True),
        ("benchmark_passed", True),
    ]
    assert Event.objects.of(promotion.public_id).get().tag == "promotion:requested"


@pytest.mark.parametrize("state", ["pending", "copying", "failed"])
def test_only_a_ready_version_can_be_promoted(state: str) -> None:
    with pytest.raises(ArtifactNotReady):
        ask(ModelVersionFactory(artifact_state=ArtifactState(state)))


def test_one_request_for_a_stage_is_open_at_a_time(make_version: MakeVersion) -> None:
    version = make_version()
    ask(version)
    with pytest.raises(Conflict):
        ask(version)
    ask(version, Stage.STAGING)


@pytest.mark.parametrize(
    ("stage", "target"),
    [("production", "staging"), ("archived", "development"), ("staging", "staging")],
)
def test_a_stage_that_does_not_follow_cannot_be_asked_for(stage: str, target: str) -> None:
    with pytest.raises(InvalidTransition):
        ask(ModelVersionFactory(stage=stage), Stage(target))


def test_a_promotion_is_asked_for_by_a_person(make_version: MakeVersion) -> None:
    with pytest.raises(Forbidden):
        services.request_promotion(version_id=make_version().pk, target=Stage.STAGING, actor=SYSTEM)


def test_an_approval_moves_the_version(make_version: MakeVersion, reviewer: User) -> None:
    version = make_version()
    promotion = approve(ask(version), reviewer)
    version.refresh_from_db()
    promotion.refresh_from_db()
    assert version.stage == Stage.PRODUCTION
    assert (promotion.status, promotion.decided_by) == (PromotionStatus.APPROVED, reviewer)
    assert promotion.decided_at is not None
    changed = Event.objects.get(tag="stage:changed")
    assert (changed.before, changed.after) == ({"stage": "none"}, {"stage": "production"})


def test_the_old_production_version_is_archived(make_version: MakeVersion, reviewer: User) -> None:
    old, new = make_version(stage=Stage.PRODUCTION), make_version()
    approve(ask(new), reviewer)
    old.refresh_from_db()
    assert old.stage == Stage.ARCHIVED
    assert list(old.model.versions.in_production()) == [new]
    assert set(Event.objects.filter(tag="stage:changed").values_list("subject", flat=True)) == {
        old.public_id,
        new.public_id,
    }


def test_an_archived_version_returns_to_production(
    make_version: MakeVersion, reviewer: User
) -> None:
    old, new = make_version(stage=Stage.ARCHIVED), make_version(stage=Stage.PRODUCTION)
    approve(ask(old), reviewer)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.stage, new.stage) == (Stage.PRODUCTION, Stage.ARCHIVED)


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_the_same_time_leave_one_version_in_production(
    make_version: MakeVersion, reviewer: User
) -> None:
    promotions = [ask(make_version()), ask(make_version())]
    outcomes = race(*[lambda p=p: approve(p, reviewer) for p in promotions])
    assert all(isinstance(outcome, Promotion) for outcome in outcomes)
    stages = promotions[0].version.model.versions.values_list("stage", flat=True)
    assert sorted(stages) == [Stage.ARCHIVED, Stage.PRODUCTION]


@pytest.mark.django_db(transaction=True)
def test_a_promotion_is_decided_once(make_version: MakeVersion, reviewer: User) -> None:
    promotion = ask(make_version())
    outcomes = race(
        lambda: approve(promotion, reviewer),
        lambda: services.refuse_promotion(promotion_id=promotion.pk, actor=actor_of(reviewer)),
    )
    assert sorted(type(o).__name__ for o in outcomes) == ["InvalidTransition", "Promotion"]


def _author(promotion: Promotion) -> User:
    return promotion.version.registered_by


def _requester(promotion: Promotion) -> User:
    return promotion.requested_by


def _giver(promotion: Promotion) -> User:
    given = ContributionFactory(model=promotion.version.model)
    promotion.version.training_data.add(given.dataset_version)
    return given.submitted_by


def _shareholder(promotion: Promotion) -> User:
    user = UserFactory()
    given = ContributionFactory(
        model=promotion.version.model, wallet__contributor__user=user, submitted_by=UserFactory()
    )
    promotion.version.training_data.add(given.dataset_version)
    return user


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("party", [_author, _requester, _giver, _shareholder])
def test_whoever_has_a_part_cannot_approve_and_the_attempt_is_recorded(
    party: Callable[[Promotion], User], make_version: MakeVersion
) -> None:
    promotion = ask(make_version())
    user = party(promotion)
    with pytest.raises(NotIndependent):
        approve(promotion, user)
    promotion.refresh_from_db()
    assert (promotion.status, promotion.version.stage) == ("requested", "none")
    attempt = Event.objects.get(tag="promotion:approval-refused")
    assert (attempt.actor, attempt.subject) == (f"user:{user.public_id}", promotion.public_id)
    assert attempt.after["reason"]


@pytest.mark.django_db(transaction=True)
def test_the_platform_approves_nothing(make_version: MakeVersion) -> None:
    promotion = ask(make_version())
    with pytest.raises(NotIndependent):
        services.approve_promotion(promotion_id=promotion.pk, actor=SYSTEM)
    assert Event.objects.filter(tag="promotion:approval-refused").exists()


def test_a_check_that_was_never_made_fails(make_version: MakeVersion, reviewer: User) -> None:
    promotion = ask(make_version(parent=make_version()))
    with pytest.raises(ChecksFailed, match="Better than its baseline"):
        approve(promotion, reviewer)
    promotion.refresh_from_db()
    assert (promotion.status, promotion.version.stage) == ("requested", "none")


def test_a_check_that_passes_later_lets_the_promotion_through(
    make_version: MakeVersion, reviewer: User
) -> None:
    baseline = make_version()
    candidate = make_version(parent=baseline)
    promotion = ask(candidate)
    ComparisonFactory(
        benchmark__project=baseline.model.project,
        baseline=baseline,
        candidate=candidate,
        status="accepted",
        delta_ppm=30_000,
        decided_at=candidate.created_at,
    )
    approve(promotion, reviewer)
    promotion.refresh_from_db()
    assert all(check["passed"] for check in promotion.checks)


def test_bytes_that_are_gone_stop_a_promotion(reviewer: User) -> None:
    promotion = ask(ModelVersionFactory(tree_digest=digest("gone")))
    with pytest.raises(ChecksFailed, match="Artifact"):
        approve(promotion, reviewer)


def test_development_needs_no_check(reviewer: User) -> None:
    promotion = ask(ModelVersionFactory(tree_digest=digest("gone")), Stage.DEVELOPMENT)
    assert approve(promotion, reviewer).status == PromotionStatus.APPROVED


def test_a_refusal_leaves_the_stage(make_version: MakeVersion, reviewer: User) -> None:
    promotion = ask(make_version())
    services.refuse_promotion(
        promotion_id=promotion.pk, actor=actor_of(reviewer), comment="not yet"
    )
    promotion.refresh_from_db()
    assert (promotion.status, promotion.decision_comment) == ("refused", "not yet")
    assert promotion.version.stage == Stage.NONE


def test_only_its_author_takes_a_request_back(make_version: MakeVersion, reviewer: User) -> None:
    promotion = ask(make_version())
    with pytest.raises(Forbidden):
        services.cancel_promotion(promotion_id=promotion.pk, actor=actor_of(reviewer))
    services.cancel_promotion(promotion_id=promotion.pk, actor=actor_of(promotion.requested_by))
    promotion.refresh_from_db()
    assert promotion.status == PromotionStatus.CANCELLED


@pytest.mark.parametrize("status", ["approved", "refused", "cancelled"])
def test_what_was_decided_is_not_decided_again(status: str, reviewer: User) -> None:
    promotion = PromotionFactory(status=status)
    actor = actor_of(reviewer)
    for decide in (services.approve_promotion, services.refuse_promotion):
        with pytest.raises(InvalidTransition):
            decide(promotion_id=promotion.pk, actor=actor)
    with pytest.raises(InvalidTransition):
        services.cancel_promotion(promotion_id=promotion.pk, actor=actor_of(promotion.requested_by))
