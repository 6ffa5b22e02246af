"""The isolated child that answers for a batch: one for each process that works on it."""

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings

from deployments.batches.exceptions import BatchFailed, RunnerDown
from deployments.models import BatchPrediction
from hokusai.runner import errors
from hokusai.runner.client import Described, Outputs, RunnerClient
from hokusai.storage import stores
from registry.damage import damage_recorded

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

# A child that nobody asks ends by itself: whoever would have stopped it may have been killed.
IDLE_S = 60
_laid_out: set[str] = set()


@cache
def _client(socket_path: str) -> RunnerClient:
    return RunnerClient(socket_path)


class Child:
    """The child of one batch in this process; it is started when it is first asked."""

    def __init__(self, batch: BatchPrediction) -> None:
        self._batch = batch
        self._key = f"{batch.public_id}.{os.getpid()}"
        self._client = _client(settings.RUNNER_SOCKET)

    @cached_property
    def _socket_path(self) -> str:
        _lay_out(self._batch)
        try:
            return self._client.serve(
                project=self._batch.project.slug,
                key=self._key,
                tree_digest=self._batch.digest,
                memory_bytes=settings.SERVING_MEMORY_BYTES,
                load_timeout_s=settings.SERVE_TIMEOUT_S,
                idle_s=IDLE_S,
            )
        except errors.RunnerError as error:
            raise _in_words(self._batch, error) from error

    def describe(self) -> Described:
        """What the model takes and gives. Raises RunnerDown or BatchFailed."""
        self._socket_path  # noqa: B018 - only who lives can tell
        try:
            return self._client.describe(key=self._key)
        except errors.RunnerError as error:
            raise _in_words(self._batch, error) from error

    def ask(self, columns: list[str], block: "Floats") -> Outputs:
        """Outputs for rows (n, d).

        A child that died is started once more. Raises InvalidInput of the runner for a row that
        the model does not take, RunnerDown, BatchFailed.
        """
        try:
            return self._asked(columns, block)
        except (errors.ModelCrashed, errors.RunnerUnavailable):
            self.__dict__.pop("_socket_path", None)
        except errors.InvalidInput:
            raise
        except errors.RunnerError as error:
            raise _in_words(self._batch, error) from error
        return self._second_try(columns, block)

    def _asked(self, columns: list[str], block: "Floats") -> Outputs:
        buffer: Any = block
        return self._client.predict(
            self._socket_path,
            columns=columns,
            matrix=buffer,
            deadline_s=settings.BATCH_DEADLINE_S,
        )

    def _second_try(self, columns: list[str], block: "Floats") -> Outputs:
        try:
            return self._asked(columns, block)
        except errors.InvalidInput:
            raise
        except errors.RunnerError as error:
            raise _in_words(self._batch, error) from error

    def stop(self) -> None:
        """End it; nothing where it is gone, or where nobody answers: then it ends by itself."""
        _stop(self._client, self._key)


def stop_children(batch_id: str) -> None:
    """End every child of a batch on this machine. Raises RunnerDown."""
    client = _client(settings.RUNNER_SOCKET)
    for key in keys_of_batches():
        if batch_of_key(key) == batch_id:
            _stop(client, key)


def keys_of_batches() -> list[str]:
    """Keys of all children of batches on this machine. Raises RunnerDown."""
    try:
        children = _client(settings.RUNNER_SOCKET).stats()
    except errors.RunnerError as error:
        raise RunnerDown(error.message) from error
    return [child.key for child in children if child.key.startswith("bat_")]


def batch_of_key(key: str) -> str:
    """The public id of the batch that a child answers for."""
    return key.partition(".")[0]


def _stop(client: RunnerClient, key: str) -> None:
    try:
        client.stop(key=key)
    except errors.RunnerUnavailable:
        return


def _lay_out(batch: BatchPrediction) -> None:
    """Put the version's files where the runner reads them, once in the life of a process."""
    if batch.digest in _laid_out:
        return
    with damage_recorded(batch.version):
        stores["default"].materialise(batch.digest)
    _laid_out.add(batch.digest)


def _in_words(batch: BatchPrediction, error: errors.RunnerError) -> RunnerDown | BatchFailed:
    if isinstance(error, errors.RunnerUnavailable):
        return RunnerDown(error.message)
    return BatchFailed(f"{batch.version}: {error.message}", cause=error.code)
