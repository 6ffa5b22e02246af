from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings

from contributions.models import Improvement
from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidTransition
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.settings import base
from hokusai.storage import stores
from registry import services
from registry.choices import ArtifactState, PromotionStatus, Stage
from registry.exceptions import ArtifactNotReady, ChecksFailed, NotIndependent
from registry.models import ModelVersion, Promotion
from tests.factories import (
    AttestationFactory,
    ComparisonFactory,
    ContributionFactory,
    EventFactory,
    ImprovementFactory,
    MembershipFactory,
    ModelFactory,
    ModelVersionFactory,
    PromotionFactory,
    PromotionPolicyFactory,
    UserFactory,
    api_key,
    described,
    digest,
    member,
)
from tests.racing import race
from tests.registry.conftest import LogRun

pytestmark = pytest.mark.django_db
PRODUCTION = base.PROMOTION_DEFAULTS["production"]
MakeVersion = Callable[..., ModelVersion]


@pytest.fixture
def make_version(project: Project, log_run: LogRun) -> MakeVersion:
    """Makes versions of one model whose bytes are in the store; without a parent, ones that won.

    Each has what production asks for.
    """
    model = ModelFactory(project=project)

    def make(**fields: object) -> ModelVersion:
        manifest = stores["default"].put_tree(log_run().files)
        version: ModelVersion = ModelVersionFactory(
            model=model, tree_digest=manifest.digest, **fields
        )
        if version.number > 1 and version.parent is None:
            won(model.versions.get(number=1), version)
        return described(version)

    return make


def won(baseline: ModelVersion, candidate: ModelVersion) -> None:
    """An accepted comparison whose improvement is signed."""
    comparison = ComparisonFactory(
        benchmark__project=candidate.project,
        baseline=baseline,
        candidate=candidate,
        status="accepted",
        delta_ppm=30_000,
        decided_at=timezone.now(),
    )
    if Improvement.objects.filter(baseline=baseline).exists():
        EventFactory(tag="improvement:refused", subject=comparison.public_id)
    else:
        AttestationFactory(improvement=ImprovementFactory(comparison=comparison))


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
    assert {check["code"]: check["passed"] for check in promotion.checks} == dict.fromkeys(
        PRODUCTION["blocking"], True
    )
    assert all(check["blocking"] for check in promotion.checks)
    assert Event.objects.of(promotion.public_id).get().tag == "promotion:requested"


def test_a_check_that_does_not_block_informs(make_version: MakeVersion, reviewer: User) -> None:
    version = make_version()
    ModelVersion.objects.filter(pk=version.pk).update(card="", licence="")
    promotion = ask(version, Stage.STAGING)
    shown = {check["code"]: (check["passed"], check["blocking"]) for check in promotion.checks}
    assert shown["card_complete"] == shown["licence_allowed"] == (False, False)
    assert shown["scan_reviewed"] == (True, True)
    assert approve(promotion, reviewer).status == PromotionStatus.APPROVED


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
    assert changed.before == {"stage": "none"}
    assert changed.after == {"stage": "production", "reason": "promoted"}


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
    MembershipFactory(project=promotion.project, user=user, role="owner")
    with pytest.raises(NotIndependent, match="without a part"):
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
    won(baseline, candidate)
    approve(promotion, reviewer)
    promotion.refresh_from_db()
    assert all(check["passed"] for check in promotion.checks)


def test_bytes_that_are_gone_stop_a_promotion(project: Project, reviewer: User) -> None:
    promotion = ask(ModelVersionFactory(model__project=project, tree_digest=digest("gone")))
    with pytest.raises(ChecksFailed, match="Artifact"):
        approve(promotion, reviewer)


def test_development_needs_no_check(project: Project, reviewer: User) -> None:
    version = ModelVersionFactory(model__project=project, tree_digest=digest("gone"))
    promotion = ask(version, Stage.DEVELOPMENT)
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


def test_the_last_of_the_approvals_that_are_needed_carries_it_out(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = approve(ask(make_version()), reviewer)
    promotion.refresh_from_db()
    assert (promotion.status, promotion.version.stage) == ("requested", "none")
    assert Event.objects.get(tag="promotion:approval-given").after["approvals"] == 1
    done = approve(promotion, member(project, "owner"))
    done.version.refresh_from_db()
    assert (done.status, done.version.stage) == ("approved", "production")
    assert [row.role for row in done.approvals.all()] == ["reviewer", "owner"]


def test_one_person_approves_once(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = approve(ask(make_version()), reviewer)
    with pytest.raises(Conflict, match="approved this already"):
        approve(promotion, reviewer)
    assert promotion.approvals.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_person_who_approves_twice_at_the_same_time_counts_once(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = ask(make_version())
    outcomes = race(*[lambda: approve(promotion, reviewer) for _ in range(2)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Promotion"]
    promotion.refresh_from_db()
    assert promotion.status == PromotionStatus.REQUESTED


def test_one_refusal_ends_it_whatever_was_approved(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = approve(ask(make_version()), reviewer)
    services.refuse_promotion(
        promotion_id=promotion.pk, actor=actor_of(member(project, "reviewer"))
    )
    with pytest.raises(InvalidTransition):
        approve(promotion, member(project, "owner"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("superuser", [False, True])
def test_only_a_role_that_the_policy_names_approves(
    superuser: bool, make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, roles=["owner"])
    promotion = ask(make_version())
    person = UserFactory(is_superuser=True) if superuser else reviewer
    with pytest.raises(NotIndependent, match="role owner"):
        approve(promotion, person)
    assert Event.objects.filter(tag="promotion:approval-refused").count() == 1
    assert approve(promotion, member(project, "owner")).status == PromotionStatus.APPROVED


@pytest.mark.django_db(transaction=True)
def test_an_api_key_approves_nothing_whoever_owns_it(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    promotion = ask(make_version())
    key, _ = api_key(project, owner=reviewer)
    with pytest.raises(NotIndependent):
        services.approve_promotion(promotion_id=promotion.pk, actor=actor_of(reviewer, key))


def test_what_a_key_asked_for_its_owner_does_not_approve(
    make_version: MakeVersion, project: Project
) -> None:
    owner = member(project, "owner")
    key, _ = api_key(project, owner=owner)
    promotion = services.request_promotion(
        version_id=make_version().pk, target=Stage.PRODUCTION, actor=actor_of(owner, key)
    )
    with pytest.raises(NotIndependent, match="asked for this promotion"):
        approve(promotion, owner)


def test_a_lower_policy_does_not_help_an_open_request(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    policy = PromotionPolicyFactory(
        project=project, approvals=2, roles=["owner"], blocking=["card_complete"]
    )
    version = make_version()
    promotion = ask(version)
    policy.approvals, policy.roles, policy.blocking = 1, ["reviewer", "owner"], []
    policy.save()
    with pytest.raises(NotIndependent, match="role owner"):
        approve(promotion, reviewer)
    promotion = approve(promotion, member(project, "owner"))
    assert promotion.status == PromotionStatus.REQUESTED
    ModelVersion.objects.filter(pk=version.pk).update(card="")
    with pytest.raises(ChecksFailed, match="Model card"):
        approve(promotion, member(project, "owner"))


def test_a_stricter_policy_counts_for_an_open_request(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    promotion = ask(make_version())
    PromotionPolicyFactory(project=project, approvals=2)
    assert approve(promotion, reviewer).status == PromotionStatus.REQUESTED
    assert approve(promotion, member(project, "owner")).status == PromotionStatus.APPROVED


def test_an_approval_of_somebody_who_got_a_part_since_no_longer_counts(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = approve(ask(make_version()), reviewer)
    given = ContributionFactory(model=promotion.version.model, submitted_by=reviewer)
    promotion.version.training_data.add(given.dataset_version)
    assert approve(promotion, member(project, "owner")).status == PromotionStatus.REQUESTED


def test_a_check_that_the_policy_names_and_nothing_answers_fails(
    make_version: MakeVersion, settings: Settings, reviewer: User
) -> None:
    settings.PROMOTION_CHECKS = ["registry.checks.ArtifactVerified"]
    promotion = ask(make_version())
    absent = [check["code"] for check in promotion.checks if not check["passed"]]
    assert set(absent) == set(PRODUCTION["blocking"]) - {"artifact_verified"}
    with pytest.raises(ChecksFailed):
        approve(promotion, reviewer)


def test_a_request_ends_when_its_time_is_over(
    make_version: MakeVersion, project: Project, reviewer: User
) -> None:
    PromotionPolicyFactory(project=project, expires_after_h=2)
    promotion = ask(make_version())
    assert promotion.expires_at is not None
    assert services.expire_promotions(now=promotion.expires_at - timedelta(seconds=1)) == 0
    assert services.expire_promotions(now=promotion.expires_at) == 1
    promotion.refresh_from_db()
    assert promotion.status == PromotionStatus.EXPIRED
    assert Event.objects.filter(tag="promotion:expired", subject=promotion.public_id).exists()
    with pytest.raises(InvalidTransition):
        approve(promotion, reviewer)


def test_a_request_that_expired_is_not_approved_before_the_sweep_ends_it(
    make_version: MakeVersion, reviewer: User
) -> None:
    promotion = ask(make_version())
    Promotion.objects.filter(pk=promotion.pk).update(expires_at=timezone.now())
    with pytest.raises(Conflict, match="expired"):
        approve(promotion, reviewer)


def test_a_retired_version_is_not_asked_for(make_version: MakeVersion) -> None:
    version = make_version()
    version.deprecated_at = timezone.now()
    version.save()
    with pytest.raises(Conflict, match="retired"):
        ask(version)


def test_a_version_of_an_archived_model_is_only_archived(make_version: MakeVersion) -> None:
    version = make_version()
    version.model.archived_at = timezone.now()
    version.model.save()
    with pytest.raises(Conflict, match="archived"):
        ask(version)
    assert ask(version, Stage.ARCHIVED).status == PromotionStatus.REQUESTED


@pytest.mark.django_db(transaction=True)
def test_the_artifact_is_read_while_no_transaction_is_open(
    make_version: MakeVersion, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_version()
    store, seen = stores["default"], []
    verify = store.verify_tree

    def watched(digest: str) -> object:
        seen.append(connection.in_atomic_block)
        return verify(digest)

    monkeypatch.setattr(store, "verify_tree", watched)
    approve(ask(version), reviewer)
    assert seen == [False, False]


def test_whoever_may_not_approve_lets_nobody_read_the_artifact(
    make_version: MakeVersion, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion = ask(make_version())
    monkeypatch.setattr(stores["default"], "verify_tree", lambda digest: pytest.fail("was read"))
    with pytest.raises(NotIndependent):
        approve(promotion, promotion.version.registered_by)


def test_an_approval_that_is_not_the_last_reads_no_artifact(
    make_version: MakeVersion, project: Project, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    PromotionPolicyFactory(project=project, approvals=2)
    promotion = ask(make_version())
    monkeypatch.setattr(stores["default"], "verify_tree", lambda digest: pytest.fail("was read"))
    assert approve(promotion, reviewer).status == PromotionStatus.REQUESTED


@pytest.mark.parametrize("approver", ["requested_by", "registered_by"])
def test_the_database_refuses_an_approval_by_a_party(
    make_version: MakeVersion, approver: str
) -> None:
    promotion = ask(make_version())
    person = getattr(promotion, approver, None) or getattr(promotion.version, approver)
    promotion.approvals.create(approver=person, role="owner")
    with pytest.raises(IntegrityError, match="0 of 1 approvals"):
        Promotion.objects.filter(pk=promotion.pk).update(status="approved")


def test_evidence_is_kept_beside_the_comment(make_version: MakeVersion) -> None:
    promotion = services.request_promotion(
        version_id=make_version().pk,
        target=Stage.STAGING,
        comment="Better.",
        evidence="https://example.org/report",
        actor=actor_of(UserFactory()),
    )
    promotion.refresh_from_db()
    assert (promotion.comment, promotion.evidence) == ("Better.", "https://example.org/report")
