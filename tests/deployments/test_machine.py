"""A slot under deploys, failures, kills, roll-backs and stops in any order."""

import contextlib
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as bounds
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from deployments import rollout, services, watch
from deployments.choices import KEPT, DeploymentStatus, RevisionStatus
from deployments.endpoints import target_of_deployment
from deployments.exceptions import AlreadyServed
from deployments.models import Deployment, Revision
from deployments.providers import Endpoint, InvalidSpec, ProviderUnavailable, ServeSpec, providers
from deployments.providers.memory import MemoryProvider
from hokusai.accounts.services import actor_of
from hokusai.core import doorbell, jobs
from hokusai.core.choices import WorkStatus
from hokusai.core.errors import Conflict
from hokusai.core.models import Job
from hokusai.core.services import cancel_job
from tests.factories import ModelFactory, ModelVersionFactory, UserFactory

PAST = datetime(2000, 1, 1, tzinfo=UTC)
SLUG = "trial"
FAULTS = ("", "refused", "away", "killed before", "killed after")


class Killed(BaseException):
    """The worker was killed at this line."""


class FaultyProvider(MemoryProvider):
    """The twin, which fails as it is told."""

    fault = ""

    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        if self.fault == "refused":
            raise InvalidSpec("Refused.")
        if self.fault == "away":
            raise ProviderUnavailable("Away.")
        if self.fault == "killed before":
            raise Killed
        endpoint = super().deploy(spec, timeout_s=timeout_s)
        if self.fault == "killed after":
            raise Killed
        return endpoint


class Slot(RuleBasedStateMachine):
    """What may happen to one slot, and what must hold after each of it."""

    seen: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        providers.forget()
        self.provider = providers["local"]
        assert isinstance(self.provider, FaultyProvider)
        self.actor = actor_of(UserFactory())
        model = ModelFactory()
        self.versions = [ModelVersionFactory(model=model) for _ in range(3)]
        self.place_of = Deployment.objects.filter(model=model)
        self.revisions = Revision.objects.filter(deployment__model=model)

    def place(self) -> Deployment | None:
        return self.place_of.first()

    def jobs_under_way(self) -> "list[Job]":
        subjects = self.revisions.values("public_id")
        rows = Job.objects.filter(subject__in=subjects, finished_at=None)
        return list(rows.order_by("id"))

    @initialize(before=st.integers(0, 2))
    def begin(self, before: int) -> None:
        """The slot may have served so many versions before."""
        for version in range(before):
            self.replace(version, "")

    @rule(version=st.integers(0, 2), fault=st.sampled_from(FAULTS))
    def replace(self, version: int, fault: str) -> None:
        self.deploy(version)
        if waiting := self.jobs_under_way():
            self.run(waiting[-1], fault)

    @rule(version=st.integers(0, 2))
    def deploy(self, version: int) -> None:
        with contextlib.suppress(AlreadyServed):
            services.deploy(version=self.versions[version], actor=self.actor, slug=SLUG)

    @rule(which=st.integers(0, 3), fault=st.sampled_from(FAULTS))
    def work(self, which: int, fault: str) -> None:
        """A worker takes a job, its lease or its pause over; it may fail, or be killed."""
        if waiting := self.jobs_under_way():
            self.run(waiting[which % len(waiting)], fault)

    def run(self, job: Job, fault: str) -> None:
        Job.objects.filter(pk=job.pk).update(run_after=PAST)
        Job.objects.filter(pk=job.pk, status=WorkStatus.RUNNING).update(lease_expires_at=PAST)
        self.provider.fault = fault
        with contextlib.suppress(Killed):
            jobs.run(job.pk)
        self.provider.fault = ""

    @rule(which=st.integers(0, 3))
    def abort(self, which: int) -> None:
        if waiting := self.jobs_under_way():
            cancel_job(job_id=waiting[which % len(waiting)].pk, actor=self.actor)

    @rule(which=st.integers(0, 3))
    def kill_a_process(self, which: int) -> None:
        if served := sorted(self.provider.served):
            del self.provider.served[served[which % len(served)]]

    @rule()
    def kill_every_process(self) -> None:
        self.provider.served.clear()

    @rule()
    def roll_back(self) -> None:
        place = self.place()
        if place is None:
            return
        with contextlib.suppress(Conflict):
            services.roll_back(deployment_id=place.pk, actor=self.actor)

    @rule()
    def stop(self) -> None:
        place = self.place()
        if place is None:
            return
        with contextlib.suppress(Conflict):
            services.stop_deployment(deployment_id=place.pk, actor=self.actor)

    @rule(idle_s=st.integers(0, 3))
    def configure(self, idle_s: int) -> None:
        if place := self.place():
            services.configure(deployment_id=place.pk, actor=self.actor, idle_s=idle_s)

    @rule(which=st.integers(0, 9))
    def end_late(self, which: int) -> None:
        """A bell that rang long ago is heard."""
        if known := list(self.revisions.order_by("id")):
            rollout.end_revision(known[which % len(known)].public_id)

    @rule(fault=st.sampled_from(("", "", "refused", "away")))
    def look(self, fault: str) -> None:
        self.provider.fault = fault
        watch.watch_revisions()
        self.provider.fault = ""
        if fault != "away":
            self.all_that_should_serve_serves()

    @invariant()
    def one_is_live_and_one_is_kept(self) -> None:
        states = list(self.revisions.values_list("status", flat=True))
        self.seen.update(states)
        assert states.count(RevisionStatus.LIVE) <= 1
        assert states.count(RevisionStatus.STANDBY) <= 1

    @invariant()
    def whoever_asks_is_led_to_the_live_one(self) -> None:
        place, live = self.place(), self.revisions.live().first()
        if place is None:
            return
        target = target_of_deployment(place.public_id)
        if live is not None:
            assert place.status == DeploymentStatus.ACTIVE
            assert target.revision_id == live.public_id
            assert target.digest == live.version.tree_digest
        else:
            assert target is None or target.status != RevisionStatus.LIVE

    @invariant()
    def a_stopped_place_keeps_nothing(self) -> None:
        place = self.place()
        if place is not None and place.status == DeploymentStatus.STOPPED:
            assert not self.revisions.filter(status__in=KEPT).exists()

    def all_that_should_serve_serves(self) -> None:
        """No row that claims to serve and does not, and no process without a row."""
        rows = {row.public_id: row for row in self.revisions.select_related("version")}
        idle_s = {place.idle_s for place in self.place_of.all()}
        for public_id, row in rows.items():
            if row.status in KEPT:
                spec = self.provider.served[public_id]
                assert spec.tree_digest == row.version.tree_digest
                assert {spec.idle_s} == idle_s
        for public_id in self.provider.served:
            assert rows[public_id].status in (RevisionStatus.STARTING, *KEPT)

    def teardown(self) -> None:
        """After all that, the work that is left leads to rest."""
        for job in self.jobs_under_way():
            self.run(job, "")
        assert self.jobs_under_way() == []
        watch.watch_revisions()
        self.all_that_should_serve_serves()
        kept = self.revisions.kept().values_list("public_id", flat=True)
        assert set(self.provider.served) == set(kept)
        self.revisions.update(status=RevisionStatus.RETIRED)
        super().teardown()


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_to_a_slot_its_rows_tell_the_truth(slots):
    run_state_machine_as_test(Slot, settings=slots)
    assert Slot.seen == set(RevisionStatus)


@pytest.fixture
def slots(faulty_provider):
    return bounds(
        max_examples=25,
        stateful_step_count=15,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def faulty_provider(settings, monkeypatch):
    settings.DEPLOYMENT_PROVIDERS = {"local": {"BACKEND": f"{__name__}.FaultyProvider"}}
    monkeypatch.setattr(doorbell, "ring", lambda *_, **__: None)
    yield
    providers.forget()
    connection.close()
