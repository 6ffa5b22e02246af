"""What every provider does, held over the twin and over a real runner process."""

import array
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from deployments.providers import (
    Capability,
    DeploymentProvider,
    ModelError,
    ModelTooSlow,
    Phase,
    ProviderNotFound,
    ServeSpec,
    Unsupported,
)
from deployments.providers.errors import ProviderError
from deployments.providers.local import LocalProvider
from deployments.providers.memory import MemoryProvider
from hokusai.core.errors import InvalidInput, OutsideUnavailable

TIMEOUT_S = 60.0
GIB = 1 << 30
SUM, FRAGILE = "a" * 64, "b" * 64
# Fails where a is 13, is slow where it is 14, else gives a.
FRAGILE_SOURCE = """
    import os, time
    def predict(frame):
        if frame.a[0] == 13:
            os._exit(3)
        if frame.a[0] == 14:
            time.sleep(20)
        return [float(frame.a[0])]
"""


def fragile_row(row):
    if row["a"] == 13:
        raise ArithmeticError
    if row["a"] == 14:
        time.sleep(0.3)
    return {"prediction": float(row["a"])}


@dataclass(frozen=True)
class Side:
    """A provider, and the digests of a model that sums its row and of one that breaks."""

    provider: DeploymentProvider
    sum_digest: str
    fragile_digest: Callable[[], str]


@pytest.fixture(params=["memory", "local"])
def side(request) -> Side:
    if request.param == "memory":
        return Side(MemoryProvider(models={FRAGILE: fragile_row}), SUM, lambda: FRAGILE)
    runner = request.getfixturevalue("runner")
    provider = LocalProvider(socket_path=runner.socket_path)
    return Side(provider, runner.put_sum_model(), lambda: runner.put_code_model(FRAGILE_SOURCE))


@pytest.fixture
def provider(side) -> DeploymentProvider:
    return side.provider


def new_spec(digest: str) -> ServeSpec:
    return ServeSpec(f"rev_{uuid.uuid4().hex}", "prj_contract", digest, GIB)


@pytest.fixture
def spec(side, provider) -> Iterator[ServeSpec]:
    wanted = new_spec(side.sum_digest)
    yield wanted
    provider.stop(wanted.revision_id, timeout_s=TIMEOUT_S)


@pytest.fixture
def fragile(side, provider) -> Iterator[str]:
    """The handle of a model that breaks."""
    if "pyfunc" not in provider.health(timeout_s=TIMEOUT_S).formats:
        pytest.skip("this machine cannot isolate a model's own code")
    wanted = new_spec(side.fragile_digest())
    yield provider.deploy(wanted, timeout_s=TIMEOUT_S).handle
    provider.stop(wanted.revision_id, timeout_s=TIMEOUT_S)


def test_what_is_deployed_answers_with_one_dict_per_row(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    assert endpoint.ready
    rows = [{"a": 1.0, "b": 2.0}, {"a": -1.5, "b": 4}]
    prediction = provider.predict(endpoint.handle, rows, deadline_s=5.0, request_id="req_1")
    assert [row["prediction"] for row in prediction.outputs] == pytest.approx([3.0, 2.5])
    assert prediction.model_ms >= 0


def test_a_matrix_is_answered_in_columns(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    block = array.array("d", [1.0, 2.0, -1.5, 4.0]).tobytes()
    answered = provider.predict_matrix(endpoint.handle, ["a", "b"], block, deadline_s=5.0)
    assert (answered.columns, answered.task) == (("prediction",), "regression")
    assert answered.values.shape == (2, 1)
    assert [row[0] for row in answered.values.tolist()] == pytest.approx([3.0, 2.5])


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
    with pytest.raises(ProviderNotFound) as caught:
        provider.predict(endpoint.handle, [{"a": 1.0, "b": 2.0}], deadline_s=5.0)
    assert isinstance(caught.value, OutsideUnavailable)


def test_stopping_an_unknown_revision_does_nothing(provider):
    provider.stop("rev_never", timeout_s=TIMEOUT_S)


def test_a_malformed_value_is_named_by_row_and_column(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    rows = [{"a": 1.0, "b": 2.0}, {"a": 1.0, "b": "two"}]
    with pytest.raises(InvalidInput) as caught:
        provider.predict(endpoint.handle, rows, deadline_s=5.0)
    assert (caught.value.context["row"], caught.value.context["column"]) == (1, "b")
    assert not caught.value.counts_against_canary


def test_rows_on_which_the_model_breaks_are_the_models_fault_and_hurt_no_others(provider, fragile):
    with pytest.raises(ModelError) as caught:
        provider.predict(fragile, [{"a": 13.0, "b": 0.0}], deadline_s=10.0)
    assert caught.value.context["cause"] in ("model_crashed", "model_raised")
    assert caught.value.counts_against_canary
    end = time.monotonic() + TIMEOUT_S
    while True:
        try:
            answered = provider.predict(fragile, [{"a": 2.0, "b": 0.0}], deadline_s=10.0)
        except OutsideUnavailable as error:
            assert time.monotonic() < end
            time.sleep(float(error.context["retry_after_s"]))
        else:
            break
    assert answered.outputs == [{"prediction": 2.0}]


def test_a_model_that_takes_too_long_is_told_by_the_deadline(provider, fragile):
    with pytest.raises(ModelTooSlow) as caught:
        provider.predict(fragile, [{"a": 14.0, "b": 0.0}], deadline_s=0.2)
    assert caught.value.context["cause"] == "model_timeout"
    assert caught.value.context["deadline_s"] == pytest.approx(0.2, abs=0.05)


def test_what_serves_is_counted(provider, spec):
    endpoint = provider.deploy(spec, timeout_s=TIMEOUT_S)
    provider.predict(endpoint.handle, [{"a": 1.0, "b": 2.0}], deadline_s=5.0)
    (seen,) = [
        one for one in provider.stats(timeout_s=TIMEOUT_S) if one.revision_id == spec.revision_id
    ]
    assert (seen.phase, seen.requests) == (Phase.RUNNING, 1)


def test_what_a_provider_serves_it_finds_sound(provider, spec):
    assert provider.validate(spec, provider.health(timeout_s=TIMEOUT_S)) == []


@pytest.mark.parametrize(
    ("capability", "call"),
    [
        (Capability.LOGS, lambda one: one.logs("rev_a", timeout_s=1)),
        (Capability.PAUSES, lambda one: one.pause("rev_a", timeout_s=1)),
        (Capability.PAUSES, lambda one: one.resume("rev_a", timeout_s=1)),
        (Capability.TRAFFIC, lambda one: one.set_traffic({"rev_a": 10_000}, timeout_s=1)),
        (Capability.COSTS, lambda one: one.hourly_cost(new_spec(SUM), timeout_s=1)),
    ],
)
@pytest.mark.parametrize("kind", [MemoryProvider, LocalProvider])
def test_what_a_provider_lacks_it_says(kind, capability, call, tmp_path):
    options = {"socket_path": str(tmp_path / "none")} if kind is LocalProvider else {}
    lacking = kind(**options)
    assert capability not in lacking.capabilities
    with pytest.raises(Unsupported):
        call(lacking)


def test_only_who_got_no_answer_in_time_does_not_know_the_outcome():
    unknown = {kind.__name__ for kind in every(ProviderError) if not kind.outcome_known}
    assert unknown == {"ProviderTimeout"}


def test_what_may_be_tried_again_is_what_the_platform_tries_again():
    retryable = {kind for kind in every(ProviderError) if kind.retryable}
    waited_for = {kind for kind in every(ProviderError) if issubclass(kind, OutsideUnavailable)}
    assert {kind.__name__ for kind in retryable - waited_for} == {"ProviderConflict"}
    assert waited_for <= retryable


def every(kind: type) -> Iterator[type]:
    for sub in kind.__subclasses__():
        yield sub
        yield from every(sub)
