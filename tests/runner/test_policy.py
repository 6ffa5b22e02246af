"""What a tier does not allow is refused with the reason."""

from collections.abc import Iterator

import pytest

from hokusai.runner.errors import FormatRefused
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.policy import Isolation
from hokusai.runner.service import Runner
from tests.runner import artifacts
from tests.runner.conftest import Store

PROVED = {"allocate": True}


@pytest.mark.parametrize("tier", ["A", "B"])
@pytest.mark.parametrize("wanted", list(ModelFormat))
def test_isolation_allows_every_format(tier: str, wanted: ModelFormat) -> None:
    Isolation(tier, PROVED).check(wanted)


def test_limits_alone_never_allow_foreign_code() -> None:
    with pytest.raises(FormatRefused) as caught:
        Isolation("C", PROVED, allow_tier_c=True).check(ModelFormat.PYFUNC)
    assert caught.value.context["tier"] == "C"
    assert "own code or pickles" in caught.value.message


@pytest.mark.parametrize("wanted", [ModelFormat.ONNX, ModelFormat.SKOPS])
def test_limits_alone_need_to_be_allowed(wanted: ModelFormat) -> None:
    Isolation("C", PROVED, allow_tier_c=True).check(wanted)
    with pytest.raises(FormatRefused):
        Isolation("C", PROVED).check(wanted)


def test_limits_that_do_not_hold_allow_nothing() -> None:
    assert Isolation("C", {"allocate": False}, allow_tier_c=True).formats() == ()


@pytest.fixture(scope="module")
def weak(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(store.root, tmp_path_factory.mktemp("weak"), allow_tier_c=True, highest="C")
    yield runner
    runner.close()


def test_a_weak_machine_says_what_was_not_stopped(weak: Runner) -> None:
    health = weak.health({})
    assert health["tier"] == "C"
    assert not health["probe"].get("connect_tcp")
    assert any("limits only" in warning for warning in health["warnings"])


def test_a_weak_machine_refuses_code_before_it_runs(weak: Runner, store: Store) -> None:
    digest = store.put(artifacts.code_model("def predict(frame):\n    return [1.0]"))
    question = {"project": "p", "tree_digest": digest, "deadline_s": 5, "memory_bytes": 1 << 30}
    with pytest.raises(FormatRefused):
        weak.predict_once(question, b"{}")
    assert weak.health({})["children"] == 0
