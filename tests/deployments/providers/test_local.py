import os
import signal
import time

import orjson
import pytest

from deployments import watch
from deployments.endpoints import target_of_model
from deployments.predictions.asking import ask
from deployments.predictions.table import of_rows
from deployments.providers import InvalidSpec, ServeSpec, providers
from deployments.providers.local import LocalProvider
from hokusai.core.errors import OutsideUnavailable
from hokusai.runner.client import RunnerClient
from hokusai.storage import stores
from tests.factories import RevisionFactory

GIB = 1 << 30


def test_bytes_that_are_not_in_the_store_are_refused_for_good(runner):
    provider = LocalProvider(socket_path=runner.socket_path)
    spec = ServeSpec("rev_absent", "prj_contract", "0" * 64, GIB)
    with pytest.raises(InvalidSpec):
        provider.deploy(spec, timeout_s=60.0)


def test_a_runner_that_is_not_there_is_unavailable(tmp_path):
    provider = LocalProvider(socket_path=str(tmp_path / "none.sock"))
    with pytest.raises(OutsideUnavailable):
        provider.serving(timeout_s=1.0)
    with pytest.raises(OutsideUnavailable):
        provider.deploy(ServeSpec("rev_a", "prj_a", "0" * 64, GIB), timeout_s=1.0)


def test_a_process_that_was_killed_is_unavailable_until_it_is_deployed_again(runner):
    provider = LocalProvider(socket_path=runner.socket_path)
    spec = ServeSpec("rev_killed", "contract", runner.put_sum_model(), GIB)
    row = {"a": 1.0, "b": 2.0}
    endpoint = provider.deploy(spec, timeout_s=60.0)
    provider.predict(endpoint.handle, [row], deadline_s=5.0)
    (child,) = [one for one in provider.client.stats() if one.key == spec.revision_id]
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(OutsideUnavailable):
        provider.predict(endpoint.handle, [row], deadline_s=5.0)
    again = provider.deploy(spec, timeout_s=60.0)
    answered = provider.predict(again.handle, [row], deadline_s=5.0)
    provider.stop(spec.revision_id, timeout_s=60.0)
    assert answered.outputs[0]["prediction"] == pytest.approx(3.0)


@pytest.mark.django_db
def test_a_prediction_outlives_its_models_process(runner, settings):
    settings.DEPLOYMENT_PROVIDERS = {
        "local": {
            "BACKEND": "deployments.providers.local.LocalProvider",
            "OPTIONS": {"socket_path": runner.socket_path},
        }
    }
    providers.forget()
    live = RevisionFactory(status="live", digest=runner.put_sum_model())
    watch.watch_revisions()
    model_id = live.deployment.model.model_id
    target = target_of_model(model_id)
    client = RunnerClient(runner.socket_path)
    (child,) = [one for one in client.stats() if one.key == live.public_id]
    os.kill(child.pid, signal.SIGKILL)
    table, until = of_rows([{"a": 2.0, "b": 2.0}]), time.perf_counter() + 10.0
    answerer, outputs, _ = ask(target, table, lambda: target_of_model(model_id), until, "req_1")
    client.stop(key=live.public_id)
    providers.forget()
    assert answerer.revision_id == live.public_id
    assert orjson.loads(outputs)[0]["prediction"] == pytest.approx(4.0)


def test_files_of_a_version_lie_where_the_runner_reads_them(runner, settings, tmp_path):
    digest = runner.put_sum_model()
    settings.CONTENT_STORES = {
        "default": {
            "BACKEND": "hokusai.storage.local.LocalStore",
            "OPTIONS": {"root": str(runner.store.root)},
        }
    }
    stores.forget()
    (runner.store.root / "trees" / digest / "files" / "MLmodel").unlink()
    provider = LocalProvider(socket_path=runner.socket_path)
    endpoint = provider.deploy(ServeSpec("rev_mended", "contract", digest, GIB), timeout_s=60.0)
    answered = provider.predict(endpoint.handle, [{"a": 1.0, "b": 2.0}], deadline_s=5.0)
    provider.stop("rev_mended", timeout_s=60.0)
    assert answered.outputs[0]["prediction"] == pytest.approx(3.0)


def test_damaged_bytes_are_refused_for_good(tmp_path):
    (tmp_path / "MLmodel").write_bytes(b"flavors: {}")
    store = stores["default"]
    digest = store.put_tree(tmp_path).digest
    store.blobs = dict.fromkeys(store.blobs, b"other")
    provider = LocalProvider(socket_path=str(tmp_path / "none.sock"))
    with pytest.raises(InvalidSpec, match="no longer match"):
        provider.deploy(ServeSpec("rev_a", "prj_a", digest, GIB), timeout_s=1.0)
