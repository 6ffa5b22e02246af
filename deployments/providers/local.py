import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings

from deployments.providers.base import (
    Capability,
    DeploymentProvider,
    DeployRefused,
    Endpoint,
    ModelError,
    Phase,
    Prediction,
    ProviderState,
    Row,
    ServeSpec,
)
from hokusai.core.errors import InvalidInput, OutsideUnavailable
from hokusai.runner import errors
from hokusai.runner.client import RunnerClient
from hokusai.storage import stores
from hokusai.storage.base import ContentDamaged, ContentMissing

CONTROL_TIMEOUT_S = 30.0
# A child that ended may have been ended by others; a new one of the same revision can answer.
GONE = (errors.RunnerUnavailable, errors.ModelCrashed)


class LocalProvider(DeploymentProvider):
    """Serves from isolated children of the model runner on this machine."""

    capabilities = frozenset({Capability.PROVES_DIGEST, Capability.LOCAL})

    def __init__(self, *, socket_path: str | None = None) -> None:
        self.socket_path = socket_path or settings.RUNNER_SOCKET
        self.client = self._client(CONTROL_TIMEOUT_S)

    def _client(self, timeout_s: float) -> RunnerClient:
        return RunnerClient(self.socket_path, timeout_s)

    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        _lay_out(spec.tree_digest)
        with _translated(DeployRefused):
            handle = self.client.serve(
                project=spec.project,
                key=spec.revision_id,
                tree_digest=spec.tree_digest,
                memory_bytes=spec.memory_bytes,
                load_timeout_s=timeout_s,
            )
        return Endpoint(handle=handle, ready=True)

    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        with _translated():
            children = self._client(timeout_s).stats()
        for child in children:
            if child.socket_path == handle:
                return ProviderState(Phase.RUNNING, child.tree_digest)
        return ProviderState(Phase.UNKNOWN)

    def serving(self, *, timeout_s: float) -> frozenset[str]:
        with _translated():
            return frozenset(child.key for child in self._client(timeout_s).stats())

    def predict(self, handle: str, rows: Sequence[Row], *, deadline_s: float) -> Prediction:
        began = time.perf_counter()
        # No context manager here: this is the hot path, and entering one costs as much as the rest.
        try:
            outputs = self.client.predict(handle, rows=rows, deadline_s=deadline_s).records()
        except errors.RunnerError as error:
            raise _domain_error(error) from error
        return Prediction(outputs, model_ms=(time.perf_counter() - began) * 1e3)

    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        with _translated():
            self._client(timeout_s).stop(key=revision_id)


def _lay_out(tree_digest: str) -> None:
    """Put a version's files where the runner reads them.

    Raises DeployRefused or StorageUnavailable.
    """
    try:
        stores["default"].materialise(tree_digest)
    except ContentDamaged as error:
        raise DeployRefused(str(error), **error.context) from error
    except ContentMissing:
        # The runner proves what it loads: it refuses what is not there, and names it.
        return


@contextmanager
def _translated(refusal: type[DeployRefused] | None = None) -> Iterator[None]:
    """Raise the platform's errors in place of the runner's.

    With `refusal`: for whatever a load cannot get over, however often it is tried.
    """
    try:
        yield
    except errors.RunnerUnavailable as error:
        raise OutsideUnavailable(error.message) from error
    except errors.RunnerError as error:
        if refusal is not None:
            raise refusal(error.message, **error.context) from error
        raise _domain_error(error) from error


def _domain_error(error: errors.RunnerError) -> InvalidInput | ModelError | OutsideUnavailable:
    if isinstance(error, errors.InvalidInput):
        return InvalidInput(error.message, **error.context)
    if isinstance(error, GONE):
        return OutsideUnavailable(error.message, **error.context)
    return ModelError(error.message, cause=error.code, **error.context)
