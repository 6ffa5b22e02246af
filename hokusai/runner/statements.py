"""What the runner states of itself and of its children."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """`tier`: A, B or C; `probe`: what a child tried, and whether it was stopped.

    `recipes`: names of the training recipes it was started with.
    """

    tier: str
    probe: Mapping[str, bool]
    warnings: tuple[str, ...]
    formats: tuple[str, ...]
    children: int
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildStats:
    """One living child; memory is the proportional set size."""

    key: str
    project: str
    tree_digest: str
    format: str
    socket_path: str
    pid: int
    started_at: float
    memory_bytes: int
    busy: bool


@dataclass(frozen=True, slots=True)
class Described:
    """What a served version states of itself. `inputs` is empty where the model names none."""

    task: str
    inputs: tuple[str, ...]
    columns: tuple[str, ...]
    classes: tuple[str | int | float | bool, ...]
    format: str
    tier: str
