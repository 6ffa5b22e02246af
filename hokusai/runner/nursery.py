"""Warmed parents and the children forked from them."""

import itertools
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

import hokusai.runner
from hokusai.runner import protocol, stamp
from hokusai.runner.children import Child, Watch
from hokusai.runner.errors import RunnerUnavailable
from hokusai.runner.sandbox.plan import Plan

PACKAGE: Final = Path(hokusai.runner.__file__).parent
# The parent package is named but not run: it starts Celery, which no model may share.
PROGRAM: Final = (
    "import sys, types; house = types.ModuleType('hokusai'); house.__path__ = [sys.argv[1]]; "
    "sys.modules['hokusai'] = house; from hokusai.runner.zygote import main; "
    "main(int(sys.argv[2]), *sys.argv[3:])"
)
ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
ENVIRONMENT: Final = dict.fromkeys(ONE_THREAD, "1") | {
    "HOME": "/tmp",  # noqa: S108 - the child's private root
    "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Without it the library reports to its makers, from a thread that a fork would leave halfway.
    "ORT_DISABLE_TELEMETRY": "1",
    # Arrow's own allocator would start a thread in the parent and reserve addresses in the child.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # The tier decides whether a pickle is loaded; this switch would not stop code anyway.
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true",
}
WARM_TIMEOUT_S: Final = 120.0
FORK_TIMEOUT_S: Final = 20.0
FIRST_UID: Final = 200_000
UIDS: Final = 50_000
# A warmed parent holds some 150 MB; beyond this number the longest unused one ends.
MAX_ZYGOTES: Final = 8


class Zygote:
    """A warmed parent as a process. `kind`: which libraries it has imported.

    `extra`: further arguments of `hokusai.runner.zygote.main`.
    """

    def __init__(self, kind: str, extra: Sequence[str] = ()) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", PROGRAM]
        with theirs:
            self.process = subprocess.Popen(
                [*command, str(PACKAGE.parent), str(theirs.fileno()), kind, *extra],
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._control = ours
        self._lock = threading.Lock()
        ours.settimeout(WARM_TIMEOUT_S)
        try:
            ready = protocol.receive(ours)
        except TimeoutError:
            ready = None
        if ready is None:
            self.close()
            raise RunnerUnavailable("The libraries for models could not be loaded.")
        ours.settimeout(FORK_TIMEOUT_S)

    def alive(self) -> bool:
        """Whether children can be forked from it."""
        return self.process.poll() is None

    def fork(self, plan: Plan, descriptors: list[int]) -> None:
        """Start a child by `plan`; it inherits copies of `descriptors`."""
        with self._lock:
            try:
                socket.send_fds(self._control, [orjson.dumps(plan.to_wire())], descriptors)
                answer = self._control.recv(1)
            except OSError as error:
                raise RunnerUnavailable("The process that starts models ended.") from error
        if not answer:
            raise RunnerUnavailable("The process that starts models ended.")

    def close(self) -> None:
        """End it, and with it every child it forked."""
        self._control.close()
        self.process.kill()
        self.process.wait()


class Nursery:
    """One zygote per project and kind; children that `watch` looks after.

    `training`: what zygotes of the kind "training" are told: a folder, then classes of recipes.
    """

    def __init__(self, watch: Watch, training: Sequence[str] = ()) -> None:
        self._watch = watch
        self._training = tuple(training)
        self._zygotes: dict[tuple[str, str], Zygote] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()
        # From anywhere: another runner on this machine gives uids too.
        self._uids = itertools.count(secrets.randbelow(UIDS))

    def own_uid(self) -> int:
        """A uid that no other living child has; 0 where this process may not give any."""
        if os.geteuid():
            return 0
        taken = {child.plan.uid for child in self._watch.living()}
        with self._lock:
            return next(uid for uid in self._wrapped() if uid not in taken)

    def start(
        self, plan: Plan, *, project: str, kind: str, listener: socket.socket | None = None
    ) -> Child:
        """A child by `plan`, watched from its first moment; raises RunnerUnavailable."""
        data, theirs = socket.socketpair()
        status, reports = os.pipe()
        stamped = stamp.create()
        handles = [reports, theirs.fileno(), stamped]
        if listener is not None:
            handles.append(listener.fileno())
        child = Child(plan, data, status, stamped)
        child.home = (project, kind)
        try:
            self._fork(plan, handles, child.home)
        except RunnerUnavailable:
            child.close()
            raise
        finally:
            theirs.close()
            os.close(reports)
        self._watch.add(child)
        return child

    def warm(self, project: str, kind: str) -> None:
        """Have the parent of a project's children ready before one is needed."""
        self._zygote(project, kind)

    def close(self) -> None:
        """End every zygote, and with them every child."""
        with self._lock:
            for zygote in self._zygotes.values():
                zygote.close()
            self._zygotes.clear()

    def forget(self, project: str, kind: str) -> None:
        """End one zygote that is no longer needed."""
        with self._lock:
            zygote = self._zygotes.pop((project, kind), None)
        if zygote is not None:
            zygote.close()

    def _fork(self, plan: Plan, handles: list[int], home: tuple[str, str]) -> None:
        try:
            self._zygote(*home).fork(plan, handles)
        except RunnerUnavailable:
            # It may just have died, which shows only when it is used.
            self.forget(*home)
            self._zygote(*home).fork(plan, handles)

    def _wrapped(self) -> Iterator[int]:
        for number in self._uids:
            yield FIRST_UID + number % UIDS

    def _zygote(self, project: str, kind: str) -> Zygote:
        name = (project, kind)
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        # Warming takes seconds: only those who want the same parent wait for it.
        with lock:
            zygote = self._zygotes.get(name)
            if zygote is None or not zygote.alive():
                zygote = Zygote(kind, self._training if kind == "training" else ())
            with self._lock:
                # The order of the dictionary is the order of use.
                self._zygotes.pop(name, None)
                self._zygotes[name] = zygote
                unused = self._unused(name)
        for one in unused:
            one.close()
        return zygote

    def _unused(self, name: tuple[str, str]) -> list[Zygote]:
        """Take out the longest unused zygotes beyond `MAX_ZYGOTES` that have no children."""
        needed = {child.home for child in self._watch.living()} | {name}
        idle = [other for other in self._zygotes if other not in needed]
        return [
            self._zygotes.pop(other) for other in idle[: max(0, len(self._zygotes) - MAX_ZYGOTES)]
        ]
