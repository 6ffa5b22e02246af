"""Which tier is in force, proven by children that tried, and what it allows."""

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hokusai.runner import protocol
from hokusai.runner.errors import FormatRefused, ModelOutOfMemory, RunnerError
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.nursery import Nursery
from hokusai.runner.probe import ATTEMPTS
from hokusai.runner.sandbox.plan import Plan, Tier

PROBE_TIMEOUT_S: Final = 20.0
PROBE_LIMIT_BYTES: Final = 64 << 20
PROBE_ALLOCATES_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Isolation:
    """The tier in force, what the probe proved for it, and why a higher one is not."""

    tier: Tier
    proved: Mapping[str, bool]
    warnings: tuple[str, ...] = ()
    allow_tier_c: bool = field(default=False)

    def formats(self) -> tuple[str, ...]:
        """Formats that may be loaded."""
        if self.tier != "C":
            return tuple(ModelFormat)
        limited = self.allow_tier_c and self.proved.get("allocate", False)
        return (ModelFormat.ONNX, ModelFormat.SKOPS) if limited else ()

    def check(self, wanted: ModelFormat) -> None:
        """Raise FormatRefused, with the reason, where `wanted` may not be loaded."""
        if wanted in self.formats():
            return
        reason = (
            "it runs the model's own code or pickles, which needs namespaces or seccomp and "
            "Landlock, and this machine offers neither"
            if wanted is ModelFormat.PYFUNC
            else "this machine can only limit processes (tier C), which was not allowed"
        )
        raise FormatRefused(
            f"A model in the format {wanted} is not loaded here: {reason}.",
            format=wanted,
            tier=self.tier,
            reason=reason,
        )


def prove(nursery: Nursery, scratch: Path, *, allow_tier_c: bool, highest: Tier = "A") -> Isolation:
    """Try tier A, then B, then C, from `highest` on; the first that holds is in force.

    A and B hold where every attempt was stopped; C promises limits only.
    """
    warnings: list[str] = []
    proved: dict[str, bool] = {}
    for tier in _tiers(highest):
        try:
            proved = _try(nursery, scratch, tier)
        except RunnerError as error:
            warnings.append(f"Tier {tier} cannot be had: {error.message}")
            continue
        missing = [name for name, stopped in proved.items() if not stopped]
        if tier == "C" or not missing:
            break
        warnings.append(f"Tier {tier} does not hold: a child was not stopped at {missing}.")
    else:
        tier, proved = "C", {}
    if tier == "C":
        warnings.append("Models run with limits only: they can read files and use the network.")
    return Isolation(tier, proved, tuple(warnings), allow_tier_c)


def _tiers(highest: Tier) -> tuple[Tier, ...]:
    tiers: tuple[Tier, ...] = ("A", "B", "C") if sys.platform == "linux" else ("C",)
    return tuple(tier for tier in tiers if tier >= highest)


def _try(nursery: Nursery, scratch: Path, tier: Tier) -> dict[str, bool]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hokusai-probe-")))
        os.chmod(folder, 0o777)  # noqa: S103 - only the sandbox may be what stops the child
        (folder / "file").write_text("readable by everyone")
        network = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        os.chmod(folder / "socket", 0o777)  # noqa: S103
        unix.listen()
        targets = {
            "file": str(folder / "file"),
            "port": network.getsockname()[1],
            "socket": str(folder / "socket"),
            "folder": str(folder),
        }
        proved = _attempts(nursery, _plan(nursery, scratch, tier, targets))
    greedy = _plan(nursery, scratch, tier, {"allocate_bytes": PROBE_ALLOCATES_BYTES})
    return proved | {"allocate": _memory_is_held(nursery, greedy)}


def _plan(nursery: Nursery, scratch: Path, tier: Tier, probe: dict[str, Any]) -> Plan:
    return Plan(
        purpose="probe",
        tier=tier,
        uid=nursery.own_uid(),
        tree="",
        format="",
        scratch=str(scratch),
        memory_bytes=PROBE_LIMIT_BYTES,
        probe=probe,
    )


def _attempts(nursery: Nursery, plan: Plan) -> dict[str, bool]:
    child = nursery.start(plan, project="", kind="bare")
    child.begin(PROBE_TIMEOUT_S)
    body = protocol.receive(child.data)
    if body is None:
        raise child.cause()
    answer, _ = protocol.decode(body)
    child.dispose()
    if "error" in answer:
        raise RunnerError(str(answer["error"]["message"]))
    return {name: bool(answer.get(name)) for name in ATTEMPTS}


def _memory_is_held(nursery: Nursery, plan: Plan) -> bool:
    child = nursery.start(plan, project="", kind="bare")
    child.begin(PROBE_TIMEOUT_S)
    cause = child.cause()
    child.dispose()
    return isinstance(cause, ModelOutOfMemory)
