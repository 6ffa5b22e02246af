"""What the runner states of itself and of its children."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """`tier`: A, B or C; `probe`: what a child tried, and whether it was stopped.

    `recipes`: names of the training recipes it was started with. `keys`: how many are served,
    with or without a living child. `restarts`: children of them that followed a crash.
    `memory_bytes`: proportional set size of the runner and of everything it started.
    """

    tier: str
    probe: Mapping[str, bool]
    warnings: tuple[str, ...]
    formats: tuple[str, ...]
    children: int
    recipes: tuple[str, ...] = ()
    keys: int = 0
    restarts: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ChildStats:
    """One served key; `pid`, `started_at` and `memory_bytes` are 0 while no child lives.

    `state`: running, idle (a child comes with the next request), starting, or backing_off.
    `memory_bytes`: proportional set size. `restarts`: children that followed a crash;
    `last_error`: what the last crash was, in words. Requests, rows and times are of all children
    since the key is served; `p50_ms` and `p95_ms` are of the model alone, None before the first.
    """

    key: str
    project: str
    tree_digest: str
    format: str
    socket_path: str
    pid: int
    started_at: float
    memory_bytes: int
    busy: bool
    converted_digest: str = ""
    tier: str = ""
    state: str = "running"
    restarts: int = 0
    last_error: str = ""
    requests: int = 0
    errors: int = 0
    batches: int = 0
    rows: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a served version states of itself. `inputs` is empty where the model names none.

    `converted_digest`: of the ONNX model that answers in place of `tree_digest`'s, else empty.
    """

    task: str
    inputs: tuple[str, ...]
    columns: tuple[str, ...]
    classes: tuple[str | int | float | bool, ...]
    format: str
    tier: str
    tree_digest: str = ""
    converted_digest: str = ""
