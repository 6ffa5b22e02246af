"""What the runner does: one fresh child per evaluation, one lasting child per version."""

import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hokusai.runner import artifact, memory, mlmodel, protocol, stamp
from hokusai.runner.children import STOPPED, Child, Watch
from hokusai.runner.errors import ModelTimeout, RunnerError, RunnerUnavailable, to_wire
from hokusai.runner.exchange import END_WAIT_S, ask_once, introduction
from hokusai.runner.mlmodel import ModelFormat
from hokusai.runner.nursery import Nursery
from hokusai.runner.policy import prove
from hokusai.runner.recipes import allowed
from hokusai.runner.sandbox.plan import Plan, Purpose, Tier

REMEMBERED_CAUSES: Final = 256
BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class Recipes:
    """Classes that may train, by name, and a folder to import them from beside the installed."""

    classes: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""


NO_RECIPES: Final = Recipes()


@dataclass(frozen=True, slots=True)
class Served:
    """One lasting child, the path of its own socket, and what it said of itself."""

    key: str
    project: str
    tree_digest: str
    path: Path
    child: Child
    stated: dict[str, Any]


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
    ) -> None:
        self._store = store
        self._recipes = recipes.classes
        self._folder = folder
        self._scratch = folder / "root"
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self._watch = Watch()
        self._nursery = Nursery(self._watch, [recipes.folder, *recipes.classes.values()])
        self._verified: dict[str, tuple[Path, ModelFormat]] = {}
        self._served: dict[str, Served] = {}
        self._causes: OrderedDict[str, RunnerError] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self.isolation = prove(
            self._nursery, self._scratch, allow_tier_c=allow_tier_c, highest=highest
        )
        self._nursery.forget("", "bare")

    def close(self) -> None:
        """End everything."""
        self._nursery.close()

    def health(self, _: protocol.Header) -> dict[str, Any]:
        """Tier, probe results and number of children."""
        return {
            "tier": self.isolation.tier,
            "probe": self.isolation.proved,
            "warnings": self.isolation.warnings,
            "formats": self.isolation.formats(),
            "children": len(self._watch.living()),
            "recipes": tuple(self._recipes),
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

    def serve(self, header: protocol.Header) -> dict[str, Any]:
        """Start or find the lasting child of `key`."""
        key = str(header["key"])
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            served = self._served.get(key)
            if served is not None and _fits(served, header):
                return {"socket_path": str(served.path)}
            self._end(key, STOPPED)
            return {"socket_path": str(self._serve_anew(key, header).path)}

    def describe(self, header: protocol.Header) -> dict[str, Any]:
        """What the child of `key` stated when it was loaded."""
        served = self._served.get(str(header["key"]))
        if served is None or served.child.ended.is_set():
            raise RunnerUnavailable("This version is not being served.")
        plan = served.child.plan
        return served.stated | {"tier": plan.tier, "format": plan.format}

    def stop(self, header: protocol.Header) -> dict[str, Any]:
        """Let the child of `key` finish and end."""
        return {"stopped": self._end(str(header["key"]), STOPPED)}

    def kill(self, header: protocol.Header) -> dict[str, Any]:
        """End the child of `key` now."""
        served = self._served.get(str(header["key"]))
        if served is None or served.child.ended.is_set():
            return {"stopped": False}
        served.child.kill(STOPPED)
        return {"stopped": self._end(served.key, STOPPED)}

    def why(self, header: protocol.Header) -> dict[str, Any]:
        """Why the child at `socket_path` ended; `cause` null if it lives or was stopped."""
        path = str(header["socket_path"])
        served = self._at(path)
        if served is not None and served.child.ended.wait(END_WAIT_S):
            self._remember(path, served.child.cause())
        cause = self._causes.get(path)
        return {"cause": None if cause is None else to_wire(cause)}

    def stuck(self, header: protocol.Header) -> dict[str, Any]:
        """A client's request timed out: end the child unless it works on another, in time."""
        served = self._at(str(header["socket_path"]))
        if served is None:
            return {"stopped": False}
        _, deadline_ns = stamp.read(served.child.stamp)
        if deadline_ns > time.monotonic_ns():
            return {"stopped": False}
        served.child.kill(ModelTimeout("The model did not finish in time and was stopped."))
        return {"stopped": True}

    def stats(self, _: protocol.Header) -> dict[str, Any]:
        """Every living lasting child."""
        living = [s for s in list(self._served.values()) if not s.child.ended.is_set()]
        return {"children": [_stats(served) for served in living]}

    def _at(self, path: str) -> Served | None:
        return next((s for s in list(self._served.values()) if str(s.path) == path), None)

    def _start(
        self, purpose: Purpose, header: protocol.Header, listener: socket.socket | None = None
    ) -> Child:
        files, model_format = self._checked(str(header["tree_digest"]))
        self.isolation.check(model_format)
        memory_bytes = int(header["memory_bytes"])
        plan = self._plan(purpose, memory_bytes, tree=str(files), model_format=model_format)
        kind = "pyfunc" if model_format is ModelFormat.PYFUNC else "numeric"
        project = str(header["project"])
        return self._nursery.start(plan, project=project, kind=kind, listener=listener)

    def _plan(
        self,
        purpose: Purpose,
        memory_bytes: int,
        *,
        tree: str = "",
        model_format: str = "",
        recipe: str = "",
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
        )

    def _checked(self, digest: str) -> tuple[Path, ModelFormat]:
        found = self._verified.get(digest)
        if found is None:
            files = artifact.verified_files(self._store, digest)
            found = self._verified[digest] = (files, mlmodel.detect_format(files))
        return found

    def _serve_anew(self, key: str, header: protocol.Header) -> Served:
        path = self._folder / f"s{secrets.token_hex(6)}.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            # The folder is 0700 already; the mode also holds if someone opens it.
            listener.bind(str(path))
            path.chmod(0o600)
            listener.listen(BACKLOG)
            try:
                child = self._start("serve", header, listener)
                stated = introduction(child, float(header["deadline_s"]))
            except RunnerError:
                path.unlink()
                raise
        served = self._served[key] = Served(
            key=key,
            project=str(header["project"]),
            tree_digest=str(header["tree_digest"]),
            path=path,
            child=child,
            stated=stated,
        )
        return served

    def _end(self, key: str, cause: RunnerError) -> bool:
        served = self._served.pop(key, None)
        if served is None:
            return False
        living = not served.child.ended.is_set()
        if living:
            served.child.retire(cause)
        self._remember(str(served.path), served.child.cause())
        served.child.dispose()
        served.path.unlink(missing_ok=True)
        return living

    def _remember(self, path: str, cause: RunnerError) -> None:
        with self._lock:
            self._causes[path] = cause
            while len(self._causes) > REMEMBERED_CAUSES:
                self._causes.popitem(last=False)


def _fits(served: Served, header: protocol.Header) -> bool:
    plan = served.child.plan
    return (
        not served.child.ended.is_set()
        and served.tree_digest == header["tree_digest"]
        and served.project == header["project"]
        and plan.memory_bytes == header["memory_bytes"]
    )


def _stats(served: Served) -> dict[str, Any]:
    child = served.child
    return {
        "key": served.key,
        "project": served.project,
        "tree_digest": served.tree_digest,
        "format": child.plan.format,
        "socket_path": str(served.path),
        "pid": child.pid,
        "started_at": child.started_at,
        "memory_bytes": memory.proportional_bytes(child.pid),
        "busy": bool(stamp.read(child.stamp)[0]),
    }
