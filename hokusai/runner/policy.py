"""Which tier is in force, proven by children that tried, and what it allows."""

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hokusai.runner import protocol
from hokusai.runner.errors import FormatRefused, ModelOutOfMemory, RecipeRefused, RunnerError
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
    allow_tier_c: bool = False
    own_uids: bool = True

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
        reason = self._reason(wanted)
        raise FormatRefused(
            f"A model in the format {wanted} is not loaded here: {reason}.",
            format=wanted,
            tier=self.tier,
            reason=reason,
        )

    def check_training(self) -> None:
        """Raise RecipeRefused where nothing may be trained; a recipe is ours, its rows are not."""
        if self.tier == "C" and ModelFormat.SKOPS not in self.formats():
            reason = self._reason(ModelFormat.SKOPS)
            raise RecipeRefused(f"Nothing is trained here: {reason}.", tier=self.tier)

    def check_tables(self) -> None:
        """Raise FormatRefused where no stranger's table may be read."""
        if self.tier == "C" and ModelFormat.SKOPS not in self.formats():
            reason = self._reason(ModelFormat.SKOPS)
            raise FormatRefused(f"No table is read here: {reason}.", tier=self.tier, reason=reason)

    def _reason(self, wanted: ModelFormat) -> str:
        if wanted is ModelFormat.PYFUNC:
            return (
                "it runs the model's own code or pickles, which needs namespaces or seccomp and "
                "Landlock, and this machine offers neither"
            )
        if not self.allow_tier_c:
            return "this machine can only limit processes (tier C), which was not allowed"
        return "this machine could not even limit a process"


def prove(nursery: Nursery, scratch: Path, *, allow_tier_c: bool, highest: Tier = "A") -> Isolation:
    """Try tier A, then B, then C, from `highest` on; the first that holds is in force.

    A and B hold where every attempt was stopped; C promises limits only.
    """
    warnings: list[str] = []
    proved: dict[str, bool] = {}
    own_uids = False
    for tier, own_uids in _choices(highest):
        try:
            proved = _try(nursery, scratch, tier, own_uids=own_uids)
        except RunnerError as error:
            owner = "a uid of its own" if own_uids else "the runner's uid"
            warnings.append(f"Tier {tier} with {owner} cannot be had: {error.message}")
            continue
        missing = [name for name, stopped in proved.items() if not stopped]
        if tier == "C" or not missing:
            break
        warnings.append(f"Tier {tier} does not hold: a child was not stopped at {missing}.")
    else:
        tier, proved = "C", {}
    if tier == "C":
        warnings.append("Models run with limits only: they can read files and use the network.")
    return Isolation(tier, proved, tuple(warnings), allow_tier_c, own_uids)


def _choices(highest: Tier) -> Iterator[tuple[Tier, bool]]:
    """Tiers from the strongest, each with and without a uid of its own for every child.

    Only root can give uids. Where nobody but root may read Python they are of no use, and B and
    C go on without; A never leaves a child with root's uid.
    """
    tiers: tuple[Tier, ...] = ("A", "B", "C") if sys.platform == "linux" else ("C",)
    root = not os.geteuid()
    for tier in tiers:
        if tier >= highest:
            yield tier, root
            if root and tier != "A":
                yield tier, False


def _try(nursery: Nursery, scratch: Path, tier: Tier, *, own_uids: bool) -> dict[str, bool]:
    def uid() -> int:
        return nursery.own_uid() if own_uids else 0

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
        proved = _attempts(nursery, _plan(uid(), scratch, tier, targets))
    greedy = _plan(uid(), scratch, tier, {"allocate_bytes": PROBE_ALLOCATES_BYTES})
    return proved | {"allocate": _memory_is_held(nursery, greedy)}


def _plan(uid: int, scratch: Path, tier: Tier, probe: dict[str, Any]) -> Plan:
    return Plan(
        purpose="probe",
        tier=tier,
        uid=uid,
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
