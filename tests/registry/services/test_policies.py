import pytest

from hokusai.accounts.models import Project, User
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Forbidden, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event
from hokusai.settings import base
from registry import services
from registry.choices import Stage
from registry.models import PromotionPolicy
from tests.factories import UserFactory, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(project: Project) -> User:
    return member(project, "owner")


def set_policy(project: Project, owner: User, **fields: object) -> PromotionPolicy:
    wanted = {
        "stage": Stage.PRODUCTION,
        "blocking": ["artifact_verified"],
        "approvals": 1,
        "roles": ["owner"],
        "expires_after_h": None,
    }
    return services.set_policy(project=project, actor=actor_of(owner), **{**wanted, **fields})


def test_where_a_project_states_nothing_the_defaults_hold(project: Project) -> None:
    for stage, stated in base.PROMOTION_DEFAULTS.items():
        policy = services.policy_for(project, Stage(stage))
        assert list(policy.blocking) == stated["blocking"]
        assert (policy.approvals, policy.expires_after_h) == (1, None)


def test_a_policy_is_of_one_project_and_one_stage(project: Project, owner: User) -> None:
    set_policy(project, owner, expires_after_h=24)
    assert services.policy_for(project, Stage.PRODUCTION).blocking == ("artifact_verified",)
    assert services.policy_for(project, Stage.PRODUCTION).expires_after_h == 24
    assert services.policy_for(project, Stage.STAGING).expires_after_h is None


def test_setting_it_again_changes_it_and_says_what_was(project: Project, owner: User) -> None:
    set_policy(project, owner)
    set_policy(project, owner, blocking=[])
    assert PromotionPolicy.objects.get().blocking == []
    last = Event.objects.filter(tag="policy:set").order_by("-pk").first()
    assert last is not None
    assert last.before["blocking"] == ["artifact_verified"]
    assert last.after["blocking"] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"blocking": ["taste"]}, "no check 'taste'"),
        ({"roles": ["engineer"]}, "'engineer' is no role that decides"),
        ({"roles": ["emperor"]}, "'emperor' is no role"),
        ({"roles": []}, "at least one role"),
        ({"approvals": 2}, "1 persons of the project"),
        ({"approvals": 0}, "At least one person"),
        ({"expires_after_h": 0}, "after 1 to"),
        ({"stage": Stage.NONE}, "No policy leads"),
        ({"stage": Stage.ARCHIVED, "blocking": ["artifact_verified"]}, "there are: none"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    wrong: dict[str, object], words: str, project: Project, owner: User
) -> None:
    with pytest.raises(InvalidInput, match=words):
        set_policy(project, owner, **wrong)
    assert not PromotionPolicy.objects.exists()


def test_persons_who_may_not_log_in_do_not_count(project: Project, owner: User) -> None:
    gone = member(project, "owner")
    gone.is_active = False
    gone.save()
    with pytest.raises(InvalidInput):
        set_policy(project, owner, approvals=2)
    member(project, "owner")
    assert set_policy(project, owner, approvals=2).approvals == 2


def test_the_platform_sets_no_policy(project: Project) -> None:
    with pytest.raises(Forbidden):
        services.set_policy(
            project=project,
            stage=Stage.STAGING,
            blocking=[],
            approvals=1,
            roles=["owner"],
            expires_after_h=None,
            actor=SYSTEM,
        )


def test_all_stages_are_told_in_their_order(project: Project) -> None:
    UserFactory()
    stages = [policy.stage for policy in services.policies_of(project)]
    assert stages == [Stage.DEVELOPMENT, Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED]
