"""What the runner does: one fresh child per evaluation, one lasting child per version."""

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hokusai.runner import artifact, memory, mlmodel, protocol
from hokusai.runner.children import Child, Watch
from hokusai.runner.crashes import Pace
from hokusai.runner.errors import ModelTimeout, RunnerError, to_wire
from hokusai.runner.exchange import ask_once
from hokusai.runner.keeping import Keeper
from hokusai.runner.kept import Kept
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.nursery import MAX_ZYGOTES, Nursery
from hokusai.runner.policy import prove
from hokusai.runner.recipes import allowed
from hokusai.runner.sandbox.plan import Plan, Purpose, Tier
from hokusai.runner.spec import Spec, read_spec

LOG: Final = logging.getLogger("hokusai.runner")
# A child that is there for less cannot have kept a caller waiting past its time.
YOUNG_S: Final = 3.0
STILL_S: Final = 0.05
MEMORY_SEEN_S: Final = 5.0
PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class Recipes:
    """Classes that may train, by name, and a folder to import them from beside the installed."""

    classes: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""


NO_RECIPES: Final = Recipes()


class Runner:
    """The state of one runner process: its store, its tier, its children."""

    def __init__(
        self,
        store: Path,
        folder: Path,
        *,
        allow_tier_c: bool,
        highest: Tier = "A",
        recipes: Recipes = NO_RECIPES,
        pace: Pace = PACE,
    ) -> None:
        self._store = store
        self._recipes = recipes.classes
        self._scratch = folder / "root"
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self._watch = Watch()
        self._nursery = Nursery(self._watch, [recipes.folder, *recipes.classes.values()])
        self._verified: dict[str, tuple[Path, ModelFormat]] = {}
        self._memory = (0.0, 0)
        self.isolation = prove(
            self._nursery, self._scratch, allow_tier_c=allow_tier_c, highest=highest
        )
        self._nursery.forget("", "bare")
        self._keeper = Keeper(folder, self._serving_child, self._warm, pace)
        self._warm_up(self._keeper.open())

    def close(self) -> None:
        """End everything; the next runner in this folder serves the same keys."""
        self._keeper.close()
        self._nursery.close()

    def health(self, _: protocol.Header) -> dict[str, Any]:
        """Tier, probe results, and what there is altogether."""
        served = self._keeper.all()
        return {
            "tier": self.isolation.tier,
            "probe": self.isolation.proved,
            "warnings": self.isolation.warnings,
            "formats": self.isolation.formats(),
            "children": len(self._watch.living()),
            "recipes": tuple(self._recipes),
            "keys": len(served),
            "restarts": sum(kept.restarts() for kept in served),
            "memory_bytes": self._memory_in_all(),
        }

    def predict_once(
        self, header: protocol.Header, body: protocol.Block
    ) -> tuple[protocol.Header, memoryview]:
        """The reply of a fresh child, which gets `body` as it came."""
        return ask_once(self._start("once", header), body, float(header["deadline_s"]))

    def train(
        self, header: protocol.Header, body: protocol.Block
    ) -> tuple[protocol.Header, memoryview]:
        """The reply of a fresh child that fits by a recipe this runner was started with."""
        recipe = allowed.path_of(header.get("recipe"), self._recipes)
        self.isolation.check_training()
        plan = self._plan("train", int(header["memory_bytes"]), recipe=recipe)
        child = self._nursery.start(plan, project=str(header["project"]), kind="training")
        return ask_once(child, body, float(header["deadline_s"]))

    def read_table(
        self, header: protocol.Header, body: protocol.Block
    ) -> tuple[protocol.Header, memoryview]:
        """The numbers of a table that a fresh child reads; no model is near."""
        self.isolation.check_tables()
        plan = self._plan("table", int(header["memory_bytes"]))
        child = self._nursery.start(plan, project=str(header["project"]), kind="table")
        return ask_once(child, body, float(header["deadline_s"]))

    def convert(
        self, header: protocol.Header, body: protocol.Block
    ) -> tuple[protocol.Header, memoryview]:
        """The files of a version as ONNX, which a fresh child makes."""
        child = self._start("convert", header, kind="conversion")
        return ask_once(child, body, float(header["deadline_s"]))

    def serve(self, header: protocol.Header) -> dict[str, Any]:
        """Serve a key; see `Keeper.serve`."""
        return {"socket_path": str(self._keeper.serve(read_spec(header)))}

    def describe(self, header: protocol.Header) -> dict[str, Any]:
        """What the model of `key` stated when it was loaded."""
        kept = self._keeper.ensure(str(header["key"]))
        return (kept.stated or {}) | {
            "tier": self.isolation.tier,
            "format": kept.format,
            "tree_digest": kept.spec.tree_digest,
            "converted_digest": kept.spec.converted_digest,
        }

    def stop(self, header: protocol.Header) -> dict[str, Any]:
        """Let the child of `key` finish and end."""
        return {"stopped": self._keeper.stop(str(header["key"]), at_once=False)}

    def kill(self, header: protocol.Header) -> dict[str, Any]:
        """End the child of `key` now."""
        return {"stopped": self._keeper.stop(str(header["key"]), at_once=True)}

    def why(self, header: protocol.Header) -> dict[str, Any]:
        """Why the child at `socket_path` ended; `cause` null if it lives or was stopped.

        `again`: it ended on purpose and another one answers at the same path.
        """
        cause, again = self._keeper.why(str(header["socket_path"]))
        return {"cause": None if cause is None else to_wire(cause), "again": again}

    def stuck(self, header: protocol.Header) -> dict[str, Any]:
        """A client's request timed out: end the child unless it works on another, in time."""
        kept = self._keeper.at(str(header["socket_path"]))
        child = None if kept is None else _stuck(kept)
        if child is None:
            return {"stopped": False}
        child.kill(ModelTimeout("The model did not finish in time and was stopped."))
        return {"stopped": True}

    def stats(self, _: protocol.Header) -> dict[str, Any]:
        """Every served key."""
        now = time.monotonic()
        told = [kept.stats(now) | {"tier": self.isolation.tier} for kept in self._keeper.all()]
        for one in told:
            one["memory_bytes"] = memory.proportional_bytes(one["pid"]) if one["pid"] else 0
        return {"children": told}

    def _serving_child(self, spec: Spec, door: socket.socket) -> Child:
        for digest in spec.digests:
            self._checked(digest)
        header = spec.to_wire() | {"tree_digest": spec.loaded_digest}
        return self._start("serve", header, door)

    def _warm_up(self, homes: list[tuple[str, str]]) -> None:
        """Have the parents of what was served before ready when its first callers come."""
        wanted = dict.fromkeys((project, _kind(model_format)) for project, model_format in homes)
        for home in list(wanted)[:MAX_ZYGOTES]:
            threading.Thread(target=self._warm, args=home, daemon=True).start()

    def _warm(self, project: str, kind: str) -> None:
        try:
            self._nursery.warm(project, kind)
        except RunnerError as error:
            LOG.warning("%s", error.message)

    def _memory_in_all(self) -> int:
        seen_at, found = self._memory
        if not found or time.monotonic() - seen_at > MEMORY_SEEN_S:
            found = memory.family_bytes(os.getpid())
            self._memory = (time.monotonic(), found)
        return found

    def _start(
        self,
        purpose: Purpose,
        header: protocol.Header,
        listener: socket.socket | None = None,
        *,
        kind: str = "",
    ) -> Child:
        files, model_format = self._checked(str(header["tree_digest"]))
        self.isolation.check(model_format)
        memory_bytes = int(header["memory_bytes"])
        plan = self._plan(
            purpose,
            memory_bytes,
            tree=str(files),
            model_format=model_format,
            latency_budget_ms=float(header.get("latency_budget_ms") or 0.0),
        )
        project = str(header["project"])
        kind = kind or _kind(model_format)
        return self._nursery.start(plan, project=project, kind=kind, listener=listener)

    def _plan(
        self,
        purpose: Purpose,
        memory_bytes: int,
        *,
        tree: str = "",
        model_format: str = "",
        recipe: str = "",
        latency_budget_ms: float = 0.0,
    ) -> Plan:
        return Plan(
            purpose=purpose,
            tier=self.isolation.tier,
            uid=self._nursery.own_uid() if self.isolation.own_uids else 0,
            tree=tree,
            format=model_format,
            scratch=str(self._scratch),
            memory_bytes=memory_bytes,
            probe={},
            recipe=recipe,
            latency_budget_ms=latency_budget_ms,
        )

    def _checked(self, digest: str) -> tuple[Path, ModelFormat]:
        found = self._verified.get(digest)
        if found is None:
            files = artifact.verified_files(self._store, digest)
            found = self._verified[digest] = (files, mlmodel.detect_format(files))
        return found


def _kind(model_format: str) -> str:
    """Which warmed parent has the libraries of a format."""
    return "pyfunc" if model_format == ModelFormat.PYFUNC else "numeric"


def _stuck(kept: Kept) -> Child | None:
    """The child, where it keeps a caller waiting past its time."""
    first = kept.pulse()
    if first is None or time.monotonic() - first.ready_at < YOUNG_S:
        # Whoever waited, waited for the start.
        return None
    if first.busy_since:
        return first.child if first.deadline_ns <= time.monotonic_ns() else None
    # Between two requests for a moment, or beside itself.
    time.sleep(STILL_S)
    return first.child if kept.pulse() == first else None
