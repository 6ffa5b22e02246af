"""What every provider does, held over the twin and over a real runner process."""

import uuid

import pytest

from deployments.providers import DeploymentProvider, Phase, ServeSpec
from deployments.providers.local import LocalProvider
from deployments.providers.memory import MemoryProvider
from hokusai.core.errors import InvalidInput, OutsideUnavailable

TIMEOUT_S = 60.0
GIB = 1 << 30


@pytest.fixture(params=["memory", "local"])
def served(request):
    """A provider and the digest of a model that it can serve."""
    if request.param == "memory":
        return MemoryProvider(), "a" * 64
    runner = request.getfixturevalue("runner")
    return LocalProvider(socket_path=runner.socket_path), runner.put_sum_model()


@pytest.fixture
def provider(served) -> DeploymentProvider:
    return served[0]


@pytest.fixture
def spec(served, provider):
    revision_id = f"rev_{uuid.uuid4().hex}"
    yield ServeSpec(revision_id, "prj_contract", served[1], GIB)
    provider.stop(revision_id, timeout_s=TIMEOUT_S)


def test_what_is_deployed_answers_with_one_dict_per_row(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    assert endpoint.ready
    rows = [{"a": 1.0, "b": 2.0}, {"a": -1.5, "b": 4}]
    prediction = provider.predict(endpoint.handle, rows, deadline_s=5.0)
    assert [row["prediction"] for row in prediction.outputs] == pytest.approx([3.0, 2.5])
    assert prediction.model_ms >= 0


def test_deploying_twice_is_the_same_as_once(provider, spec):
    first = provider.deploy(spec, timeout_s=TIMEOUT_S)
    assert provider.deploy(spec, timeout_s=TIMEOUT_S) == first
    assert [one for one in provider.serving(timeout_s=TIMEOUT_S) if one == spec.revision_id] == [
        spec.revision_id
    ]


def test_a_running_endpoint_states_the_digest_that_it_serves(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    state = provider.status(endpoint.handle, timeout_s=TIMEOUT_S)
    assert (state.phase, state.digest) == (Phase.RUNNING, spec.tree_digest)


def test_a_stopped_endpoint_is_unknown_and_answers_nothing(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    provider.stop(spec.revision_id, timeout_s=TIMEOUT_S)
    assert provider.status(endpoint.handle, timeout_s=TIMEOUT_S).phase == Phase.UNKNOWN
    assert spec.revision_id not in provider.serving(timeout_s=TIMEOUT_S)
    with pytest.raises(OutsideUnavailable):
        provider.predict(endpoint.handle, [{"a": 1.0, "b": 2.0}], deadline_s=5.0)


def test_stopping_an_unknown_revision_does_nothing(provider):
    provider.stop("rev_never", timeout_s=TIMEOUT_S)


def test_a_malformed_value_is_named_by_row_and_column(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    rows = [{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": "two"}]
    with pytest.raises(InvalidInput) as caught:
        provider.predict(endpoint.handle, rows, deadline_s=5.0)
    assert (caught.value.context["row"], caught.value.context["column"]) == (1, "b")
