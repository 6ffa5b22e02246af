import pytest

from deployments.providers import ServeSpec
from deployments.providers.base import DeployRefused
from deployments.providers.local import LocalProvider
from hokusai.core.errors import OutsideUnavailable

GIB = 1 << 30


def test_bytes_that_are_not_in_the_store_are_refused_for_good(runner):
    provider = LocalProvider(socket_path=runner.socket_path)
    spec = ServeSpec("rev_absent", "prj_contract", "0" * 64, GIB)
    with pytest.raises(DeployRefused):
        provider.deploy(spec, timeout_s=60.0)


def test_a_runner_that_is_not_there_is_unavailable(tmp_path):
    provider = LocalProvider(socket_path=str(tmp_path / "none.sock"))
    with pytest.raises(OutsideUnavailable):
        provider.serving(timeout_s=1.0)
    with pytest.raises(OutsideUnavailable):
        provider.deploy(ServeSpec("rev_a", "prj_a", "0" * 64, GIB), timeout_s=1.0)
