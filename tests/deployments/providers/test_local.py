import os
import signal

import pytest

from deployments.providers import InvalidSpec, ProviderNotFound, ProviderUnavailable, ServeSpec
from deployments.providers.local import LocalProvider
from hokusai.core.errors import OutsideUnavailable
from hokusai.storage import stores

GIB = 1 << 30
ROW = {"a": 1.0, "b": 2.0}


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


def test_what_the_runner_forgot_is_told_apart_from_a_runner_that_is_away(runner, tmp_path):
    provider = LocalProvider(socket_path=runner.socket_path)
    with pytest.raises(ProviderNotFound):
        provider.predict(str(tmp_path / "none.sock"), [ROW], deadline_s=5.0)
    away = LocalProvider(socket_path=str(tmp_path / "away.sock"))
    with pytest.raises(ProviderUnavailable):
        away.predict(str(tmp_path / "none.sock"), [ROW], deadline_s=5.0)


def test_a_process_that_was_killed_is_replaced_unseen(runner):
    provider = LocalProvider(socket_path=runner.socket_path)
    spec = ServeSpec("rev_killed", "prj_contract", runner.put_sum_model(), GIB)
    endpoint = provider.deploy(spec, timeout_s=60.0)
    provider.predict(endpoint.handle, [ROW], deadline_s=5.0)
    (child,) = [one for one in provider.client.stats() if one.key == spec.revision_id]
    os.kill(child.pid, signal.SIGKILL)
    answered = provider.predict(endpoint.handle, [ROW], deadline_s=30.0)
    (after,) = [one for one in provider.client.stats() if one.key == spec.revision_id]
    provider.stop(spec.revision_id, timeout_s=60.0)
    assert answered.outputs[0]["prediction"] == pytest.approx(3.0)
    assert after.pid != child.pid


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
    endpoint = provider.deploy(ServeSpec("rev_mended", "prj_contract", digest, GIB), timeout_s=60.0)
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
