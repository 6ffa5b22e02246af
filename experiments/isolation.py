"""Asking a version through the runner: no process of the platform ever loads a model."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from hokusai.core.errors import DomainError, OutsideUnavailable
from hokusai.runner.client import RunnerClient
from hokusai.runner.errors import RunnerError, RunnerUnavailable
from hokusai.runner.outputs import Outputs
from hokusai.storage import stores
from hokusai.storage.base import ContentDamaged, ContentMissing
from registry.damage import damage_recorded
from registry.models import ModelVersion


class RunnerDown(OutsideUnavailable):
    """The runner does not answer; the evaluation waits for it."""

    code = "runner_unavailable"


class EvaluationFailed(DomainError):
    """The version itself could not be evaluated; the message says what it did."""

    code = "evaluation_failed"


@cache
def _client(socket_path: str) -> RunnerClient:
    return RunnerClient(socket_path)


def tier_in_force() -> str:
    """The isolation that the runner's own probe proved; a child's word for it counts nothing.

    Raises RunnerDown.
    """
    try:
        return _client(settings.RUNNER_SOCKET).health().tier
    except RunnerError as error:
        raise RunnerDown(error.message) from error


def ask(
    version: ModelVersion,
    features: list[str],
    matrix: npt.NDArray[np.float64],
    *,
    probabilities: bool = True,
) -> Outputs:
    """Answers for `matrix` (n, d), from a fresh isolated child; of a classifier with probabilities.

    Raises RunnerDown or StorageUnavailable where a later try may work, EvaluationFailed where the
    model is at fault.
    """
    _lay_out(version)
    contiguous: Any = np.ascontiguousarray(matrix, dtype=np.float64)
    try:
        return _client(settings.RUNNER_SOCKET).predict_once(
            project=version.project.slug,
            tree_digest=version.tree_digest,
            columns=features,
            matrix=contiguous,
            deadline_s=settings.EVALUATION_DEADLINE_S,
            memory_bytes=settings.EVALUATION_MEMORY_BYTES,
            require_probabilities=probabilities,
        )
    except RunnerUnavailable as error:
        raise RunnerDown(error.message) from error
    except RunnerError as error:
        raise EvaluationFailed(f"{version}: {error.message}", cause=error.code) from error


def _lay_out(version: ModelVersion) -> None:
    """Put the version's files where the runner reads them."""
    try:
        with damage_recorded(version):
            stores["default"].materialise(version.tree_digest)
    except ContentDamaged as error:
        raise EvaluationFailed(f"{version}: {error}", cause=error.code) from error
    except ContentMissing:
        # The runner proves what it loads: it refuses what is not there, and names it.
        return
