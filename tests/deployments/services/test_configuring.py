import pytest

from deployments.endpoints import target_of_deployment
from deployments.models import Deployment
from deployments.services import configure
from hokusai.accounts.services import actor_of
from hokusai.core.errors import InvalidInput
from hokusai.core.models import Event
from tests.factories import DeploymentFactory, RevisionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return actor_of(UserFactory())


@pytest.fixture
def place() -> Deployment:
    return DeploymentFactory()


def test_a_change_is_recorded_with_what_was_before(actor, place):
    configure(deployment_id=place.pk, actor=actor, idle_s=60, deadline_ms=place.deadline_ms)
    (event,) = Event.objects.all()
    assert (event.tag, event.subject) == ("deployment:configured", place.public_id)
    assert (event.before, event.after) == ({"idle_s": 900}, {"idle_s": 60})


def test_what_changes_nothing_is_not_recorded(actor, place):
    configure(deployment_id=place.pk, actor=actor, idle_s=place.idle_s)
    assert not Event.objects.exists()


def test_a_change_is_in_force_at_the_next_request(actor):
    live = RevisionFactory(status="live")
    configure(deployment_id=live.deployment_id, actor=actor, deadline_ms=50, rate_per_minute=7)
    policy = target_of_deployment(live.deployment.public_id).policy
    assert (policy.deadline_ms, policy.rate_per_minute) == (50, 7)


@pytest.mark.parametrize(
    ("changes", "rings"), [({"memory_bytes": 128 << 20}, 1), ({"log_sample": 0.5}, 0)]
)
def test_processes_are_told_what_concerns_them(
    place, doorbell, django_capture_on_commit_callbacks, changes, rings
):
    with django_capture_on_commit_callbacks(execute=True):
        configure(deployment_id=place.pk, actor=actor_of(UserFactory()), **changes)
    assert doorbell.of("deployments.serve_as_told") == [place.public_id] * rings


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_bytes": 1 << 20},
        {"memory_bytes": 1 << 50},
        {"memory_bytes": None},
        {"latency_budget_ms": -1},
        {"latency_budget_ms": float("nan")},
        {"latency_budget_ms": 20, "deadline_ms": 10},
        {"deadline_ms": 0},
        {"deadline_ms": 600_001},
        {"rate_per_minute": 0},
        {"cache_s": 8 * 24 * 3600},
        {"cache_s": -1},
        {"log_sample": 1.5},
        {"log_sample": float("nan")},
        {"log_sample": 0.5, "log_every_row": True},
        {"redacted_columns": ["name", "name"]},
        {"redacted_columns": ["n" * 201]},
        {"required_stage": "golden"},
        {"idle_s": "soon"},
    ],
)
def test_what_cannot_be_is_invalid_and_names_its_field(actor, place, changes):
    with pytest.raises(InvalidInput) as caught:
        configure(deployment_id=place.pk, actor=actor, **changes)
    assert set(caught.value.context["fields"]) <= set(changes)
    assert not Event.objects.exists()


@pytest.mark.parametrize("name", ["environment", "slug", "status", "moon"])
def test_what_a_place_is_made_with_stays(actor, place, name):
    with pytest.raises(InvalidInput):
        configure(deployment_id=place.pk, actor=actor, **{name: "x"})


@pytest.mark.parametrize("changes", [{"required_stage": "staging"}, {"require_digest": False}])
def test_production_asks_for_no_less_than_production_does(actor, changes):
    place = DeploymentFactory(
        environment="production", required_stage="production", require_digest=True
    )
    with pytest.raises(InvalidInput, match="environment"):
        configure(deployment_id=place.pk, actor=actor, **changes)


def test_results_of_personal_data_are_kept_only_where_that_is_said_again(actor):
    place = DeploymentFactory(personal_data=False, cache_s=30)
    configure(deployment_id=place.pk, actor=actor, personal_data=True)
    place.refresh_from_db()
    assert place.cache_s is None
    configure(deployment_id=place.pk, actor=actor, cache_s=30)
    place.refresh_from_db()
    assert (place.personal_data, place.cache_s) == (True, 30)
