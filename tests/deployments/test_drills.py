"""Kills of everything below a slot, with a real runner: what should serve serves again."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from deployments import services, watch
from deployments.endpoints import Target, target_of_deployment
from deployments.models import Deployment, Revision
from deployments.predictions.asking import ask
from deployments.predictions.table import of_rows
from deployments.providers import NotReady, providers
from hokusai.accounts.services import actor_of
from hokusai.core import jobs
from hokusai.runner.client import RunnerClient
from hokusai.storage.local import LocalStore
from tests.deployments.conftest import RunningRunner, start_runner
from tests.factories import ModelFactory, ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROW = {"a": 2.0, "b": 2.0}


class Machine:
    """A runner that is killed and started again, and a slot with two versions on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = start_runner(folder)
        self.client = RunnerClient(str(folder / "r.sock"))
        runner = RunningRunner(
            self.client.socket_path, LocalStore(root=str(folder / "store")), folder
        )
        digest, model = runner.put_sum_model(), ModelFactory()
        self.actor = actor_of(UserFactory())
        for _ in range(2):
            version = ModelVersionFactory(model=model, tree_digest=digest)
            asked = services.deploy(version=version, actor=self.actor, slug="trial")
            jobs.run(asked.job.pk)
        self.place = Deployment.objects.get(model=model)

    def pids(self) -> dict[str, int]:
        return {one.key: one.pid for one in self.client.stats() if one.pid}

    def kill_runner(self) -> None:
        """The runner and its children end as a machine without power would end them."""
        self.process.kill()
        self.process.wait()
        self.process = start_runner(self.folder)

    def answers(self) -> Target:
        """Who answers a prediction, however often it has to be told to come back."""
        end = time.monotonic() + 90.0
        while True:
            try:
                target, outputs, _ = ask(
                    self.target(), of_rows([ROW]), self.target, time.perf_counter() + 60.0, "req_1"
                )
            except NotReady as error:
                assert time.monotonic() < end
                time.sleep(float(error.context["retry_after_s"]))
            else:
                assert orjson.loads(outputs)[0]["prediction"] == pytest.approx(4.0)
                return target

    def target(self) -> Target:
        """Whom requests are led to now."""
        target = target_of_deployment(self.place.public_id)
        assert target is not None
        return target


@pytest.fixture
def machine(tmp_path, settings) -> Iterator[Machine]:
    tmp_path.chmod(0o700)
    settings.DEPLOYMENT_PROVIDERS = {
        "local": {
            "BACKEND": "deployments.providers.local.LocalProvider",
            "OPTIONS": {"socket_path": str(tmp_path / "r.sock")},
        }
    }
    providers.forget()
    made = Machine(tmp_path)
    yield made
    made.process.terminate()
    made.process.wait(60)
    providers.forget()


def test_what_should_serve_serves_again_whatever_was_killed(machine):
    live, standby = Revision.objects.live().get(), Revision.objects.standby().get()
    assert machine.answers().revision_id == live.public_id

    os.kill(machine.pids()[live.public_id], signal.SIGKILL)
    assert machine.answers().revision_id == live.public_id

    machine.kill_runner()
    assert machine.answers().revision_id == live.public_id

    # Rolling back asks nobody, so it works while nothing runs; the kept one comes back when asked.
    services.roll_back(deployment_id=machine.place.pk, actor=machine.actor)
    machine.kill_runner()
    assert machine.answers().revision_id == standby.public_id

    # The runner forgot everything, as on a new machine: the rows know.
    for key in (live.public_id, standby.public_id):
        machine.client.kill(key=key)
    machine.client.serve(project="p", key="rev_stray", tree_digest=live.digest)
    watched = watch.watch_revisions()
    assert set(watched.served_again) == {live.public_id, standby.public_id}
    assert watched.ended == ("rev_stray",)
    assert {one.key for one in machine.client.stats()} == {live.public_id, standby.public_id}
    assert machine.answers().revision_id == standby.public_id
