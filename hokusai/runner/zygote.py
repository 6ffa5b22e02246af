"""The warmed parent: imports the libraries, never computes, forks children on request.

Runs as a program of its own with an empty environment, one per project and kind. It must stay
single-threaded: a parent that has used OpenMP hangs its forks.
"""

import gc
import importlib
import os
import signal
import socket
import sys
from types import TracebackType
from typing import Any, Final

import orjson

from hokusai.runner import child, protocol
from hokusai.runner.child import Handles
from hokusai.runner.errors import RunnerError, to_wire
from hokusai.runner.recipes import allowed
from hokusai.runner.sandbox import floor, kernel
from hokusai.runner.sandbox.plan import Plan

MODULES: Final[dict[str, tuple[str, ...]]] = {
    "bare": (),
    "numeric": (
        "onnx",
        "onnxruntime",
        "pandas",
        "sklearn.compose",
        "sklearn.ensemble",
        "sklearn.linear_model",
        "sklearn.neighbors",
        "sklearn.pipeline",
        "sklearn.preprocessing",
        "sklearn.svm",
        "hokusai.runner.loaders.onnx_model",
        "hokusai.runner.loaders.skops_model",
    ),
    "pyfunc": (
        "cloudpickle",
        "sklearn.linear_model",
        "sklearn.pipeline",
        "mlflow.sklearn",
        "hokusai.runner.loaders.pyfunc_model",
    ),
    "table": ("hokusai.runner.table_reading",),
    "conversion": ("hokusai.runner.conversion",),
    # What each recipe needs, it names itself.
    "training": (),
}
WITH_ESTIMATORS: Final = ("numeric", "pyfunc")
MAX_PLAN_BYTES: Final = 1 << 16
MAX_HANDLES: Final = 4
FAILED: Final = 70  # EX_SOFTWARE of sysexits.h


def main(control_descriptor: int, kind: str, folder: str = "", *recipes: str) -> None:
    """Warm up, say so, and fork until main hangs up.

    `recipes`: what a warmed parent of trainings imports, also from `folder` where one is given.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in MODULES[kind]:
        importlib.import_module(name)
    if kind in WITH_ESTIMATORS:
        importlib.import_module("hokusai.runner.loaders.warming").warm()
    if folder:
        sys.path.append(folder)
    allowed.warm(recipes)
    # Children end unseen here: each has a guard that waits for it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=control_descriptor)
    control.sendall(protocol.encode({"ready": kind}))
    while True:
        raw, descriptors, _, _ = socket.recv_fds(control, MAX_PLAN_BYTES, MAX_HANDLES)
        if not raw:
            return
        _spawn(Plan(**orjson.loads(raw)), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(b"\x01")


def _spawn(plan: Plan, descriptors: list[int]) -> None:
    zygote = os.getpid()
    if os.fork():
        return
    status, data, stamp, *listener = descriptors
    alive, held = os.pipe()
    handles = Handles(data, stamp, alive, listener[0] if listener else None)
    with _LastWords(data):
        _guard(plan, status, handles, zygote=zygote, held=held)


def _guard(plan: Plan, status: int, handles: Handles, *, zygote: int, held: int) -> None:
    """Between zygote and child: makes the namespaces, waits, and reports how the child ended.

    `held` stays open as long as the guard lives.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != zygote:
        # It ended before the line above could tie this process to it.
        return
    if plan.tier == "A":
        floor.enter_namespaces(as_root=bool(plan.uid))
    pid = os.fork()
    if not pid:
        with _LastWords(handles.data):
            child.live(plan, handles)
    floor.close_other_descriptors([status, held])
    _report(status, {"pid": pid})
    _, ended = os.waitpid(pid, 0)
    _report(status, {"exit": os.waitstatus_to_exitcode(ended)})


def _report(status: int, body: dict[str, Any]) -> None:
    os.write(status, orjson.dumps(body) + b"\n")


class _LastWords:
    """The end of a forked process: it never returns to its parent's code, whatever happened."""

    def __init__(self, data: int) -> None:
        self._data = data

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if raised is None or kind is None:
            os._exit(0)
        error = RunnerError(f"The model's process could not go on: {kind.__name__}: {raised}")
        try:
            os.write(self._data, protocol.encode({"error": to_wire(error)}))
        finally:
            os._exit(FAILED)
