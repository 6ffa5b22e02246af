"""What a tier does not allow is refused with the reason."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hokusai.runner import policy
from hokusai.runner.errors import FormatRefused
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.policy import Isolation
from hokusai.runner.sandbox.plan import Tier
from hokusai.runner.service import Runner
from tests.hokusai.runner import artifacts
from tests.hokusai.runner.conftest import Store

ALL = [("A", True), ("B", True), ("B", False), ("C", True), ("C", False)]
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has tiers A and B")
@pytest.mark.parametrize(
    ("user", "highest", "expected"),
    [
        (0, "A", ALL),
        (0, "B", ALL[1:]),
        (1000, "A", [("A", False), ("B", False), ("C", False)]),
        (1000, "C", [("C", False)]),
    ],
)
def test_the_strongest_choice_is_tried_first(
    monkeypatch: pytest.MonkeyPatch, user: int, highest: Tier, expected: list[tuple[Tier, bool]]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert list(policy._choices(highest)) == expected


@pytest.mark.parametrize("tier", ["A", "B"])
def test_a_child_that_could_reach_out_lowers_the_tier(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tier: Tier
) -> None:
    def tried(_nursery: object, _scratch: object, tier: Tier, *, own_uids: bool) -> dict[str, bool]:
        return {"connect_tcp": False, "allocate": True}

    monkeypatch.setattr(policy, "_try", tried)
    found = policy.prove(None, tmp_path, allow_tier_c=False, highest=tier)
    assert found.tier == "C"
    assert found.formats() == ()
    assert "connect_tcp" in found.warnings[0]


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
