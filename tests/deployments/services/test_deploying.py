import threading

import pytest
from django.db import connection

from deployments import serving_stats
from deployments.choices import DeploymentStatus, Environment, RevisionStatus
from deployments.endpoints import target_of_revision
from deployments.exceptions import (
    AlreadyServed,
    DeployChecksFailed,
    DigestDiffers,
    DigestRequired,
    StageRequired,
)
from deployments.models import Deployment, Revision
from deployments.providers import ProviderHealth, providers
from deployments.services import deploy, validate_deployment
from hokusai.accounts.services import actor_of
from hokusai.core.errors import Conflict, Forbidden, InvalidInput
from hokusai.core.events import SYSTEM
from hokusai.core.models import Event, Job
from registry.models import OnnxConversion
from tests.factories import DeploymentFactory, ModelVersionFactory, RevisionFactory, UserFactory

pytestmark = pytest.mark.django_db
TRIAL = "trial"


@pytest.fixture
def actor():
    return actor_of(UserFactory())


def tags() -> list[str]:
    return list(Event.objects.order_by("id").values_list("tag", flat=True))


def test_deploying_makes_the_place_a_revision_and_its_job(actor):
    version = ModelVersionFactory()
    revision = deploy(version=version, actor=actor, slug=TRIAL)
    assert (revision.number, revision.status) == (1, RevisionStatus.PENDING)
    assert revision.digest == version.tree_digest
    assert Job.objects.get().subject == revision.public_id
    assert tags() == ["deployment:created", "revision:requested"]


def test_a_second_deployment_of_the_same_place_counts_on(actor):
    first = ModelVersionFactory()
    deploy(version=first, actor=actor, slug=TRIAL)
    second = deploy(version=ModelVersionFactory(model=first.model), actor=actor, slug=TRIAL)
    assert second.number == 2
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    ("slug", "stated", "asks"),
    [
        (TRIAL, None, (Environment.DEVELOPMENT, "none", False)),
        ("staging", None, (Environment.STAGING, "staging", False)),
        ("production", None, (Environment.PRODUCTION, "production", True)),
        (TRIAL, "production", (Environment.PRODUCTION, "production", True)),
        ("production", "development", (Environment.DEVELOPMENT, "none", False)),
    ],
)
def test_a_new_place_asks_what_its_environment_asks(actor, settings, slug, stated, asks):
    settings.SERVING_MEMORY_BYTES = 512 << 20
    version = ModelVersionFactory(stage="production")
    deploy(version=version, actor=actor, slug=slug, environment=stated, digest=version.tree_digest)
    place = Deployment.objects.get()
    assert (place.environment, place.required_stage, place.require_digest) == asks
    assert place.memory_bytes == 512 << 20


@pytest.mark.parametrize(
    "fields", [{"artifact_state": "pending", "tree_digest": ""}, {"stage": "archived"}]
)
def test_only_ready_versions_that_are_not_archived_are_deployed(actor, fields):
    with pytest.raises(DeployChecksFailed) as caught:
        deploy(version=ModelVersionFactory(**fields), actor=actor, slug=TRIAL)
    assert "artifact_ready" in caught.value.context["failed"]
    assert not Deployment.objects.exists()


def test_production_serves_only_versions_in_production(actor):
    version = ModelVersionFactory(stage="staging")
    with pytest.raises(StageRequired, match="Promote it first"):
        deploy(version=version, actor=actor, digest=version.tree_digest)
    assert not Revision.objects.exists()


def test_staging_serves_also_versions_that_are_further(actor):
    version = ModelVersionFactory(stage="production")
    assert deploy(version=version, actor=actor, slug="staging").number == 1


def test_production_asks_for_the_digest_of_the_bytes_meant(actor):
    version = ModelVersionFactory(stage="production")
    with pytest.raises(DigestRequired, match="tree digest"):
        deploy(version=version, actor=actor)


@pytest.mark.parametrize("slug", [TRIAL, "production"])
def test_another_digest_than_the_versions_is_always_refused(actor, slug):
    with pytest.raises(DigestDiffers):
        deploy(
            version=ModelVersionFactory(stage="production"),
            actor=actor,
            slug=slug,
            digest="f" * 64,
        )


@pytest.mark.parametrize("given", [{"provider": "moon"}, {"environment": "moon"}])
def test_an_unknown_provider_or_environment_is_invalid(actor, given):
    with pytest.raises(InvalidInput):
        deploy(version=ModelVersionFactory(), actor=actor, **given)


def test_a_place_keeps_its_environment(actor):
    place = DeploymentFactory(environment="staging")
    with pytest.raises(Conflict, match="choose another name"):
        deploy(
            version=ModelVersionFactory(model=place.model),
            actor=actor,
            slug=place.slug,
            environment="development",
        )


def test_the_version_that_serves_is_not_deployed_again(actor):
    revision = RevisionFactory(status=RevisionStatus.LIVE)
    with pytest.raises(AlreadyServed):
        deploy(version=revision.version, actor=actor)


def test_the_platform_itself_deploys_nothing():
    with pytest.raises(Forbidden):
        deploy(version=ModelVersionFactory(), actor=SYSTEM)


def test_deploying_to_a_stopped_place_starts_it_again(actor):
    place = DeploymentFactory(status=DeploymentStatus.STOPPED)
    revision = deploy(version=ModelVersionFactory(model=place.model), actor=actor)
    assert revision.deployment.status == DeploymentStatus.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_two_deploys_at_once_get_two_numbers_at_one_place(actor):
    first = ModelVersionFactory()
    second = ModelVersionFactory(model=first.model)
    failures: list[Exception] = []

    def deploy_one(version):
        try:
            deploy(version=version, actor=actor, slug=TRIAL)
        except Conflict as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=deploy_one, args=[one]) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(Revision.objects.values_list("number", flat=True)) == [1, 2]
    assert Deployment.objects.count() == 1


def failed(**asked) -> set[str]:
    found = validate_deployment(**asked)
    return {finding.check for finding in found if finding.blocking and not finding.passed}


def test_a_preview_finds_what_deploying_would_and_makes_nothing():
    version = ModelVersionFactory(stage="staging")
    assert failed(version=version) == {"stage_reached", "digest_stated"}
    assert failed(version=version, slug="staging") == set()
    assert failed(version=version, slug=TRIAL, digest="0" * 64) == {"digest_matches"}
    assert not Deployment.objects.exists()


def test_a_preview_says_that_a_version_serves_already():
    live = RevisionFactory(status=RevisionStatus.LIVE)
    assert failed(version=live.version, slug=live.deployment.slug) == {"place"}


@pytest.fixture
def runner_elsewhere(settings):
    """The provider of this machine, whose runner nobody may ask here."""
    settings.DEPLOYMENT_PROVIDERS = {
        "local": {"BACKEND": "deployments.providers.local.LocalProvider"}
    }
    providers.forget()
    yield
    providers.forget()


@pytest.mark.usefixtures("runner_elsewhere")
def test_a_preview_names_a_format_that_this_machine_does_not_serve():
    version = ModelVersionFactory(flavor="python_function")
    serving_stats.keep("local", ProviderHealth("C", ("onnx", "skops")), [])
    (found,) = [
        one for one in validate_deployment(version=version, slug=TRIAL) if one.check == "provider"
    ]
    assert not found.passed
    assert "pyfunc" in found.reason
    assert "tier C" in found.reason


@pytest.mark.usefixtures("runner_elsewhere")
def test_a_preview_does_not_hold_up_where_nothing_is_heard_of_the_provider(monkeypatch):
    monkeypatch.setattr(serving_stats, "health_of", lambda provider: None)
    found = validate_deployment(version=ModelVersionFactory(), slug=TRIAL)
    (said,) = [one for one in found if one.check == "provider"]
    assert (said.passed, said.blocking) == (False, False)


@pytest.mark.parametrize(("verdict", "used"), [("exact", True), ("differs", False)])
def test_a_revision_runs_the_versions_onnx_where_that_is_exact(actor, verdict, used):
    version = ModelVersionFactory()
    made = "a" * 64
    OnnxConversion.objects.create(version=version, verdict=verdict, tree_digest=made)
    revision = deploy(version=version, actor=actor, slug=TRIAL)
    assert revision.digest == version.tree_digest
    assert revision.converted_digest == (made if used else "")
    assert target_of_revision(revision.public_id).spec.converted_digest == revision.converted_digest
