import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from django.conf import settings

from deployments.providers.base import (
    Block,
    Capability,
    DeploymentProvider,
    Endpoint,
    MatrixPrediction,
    Phase,
    Prediction,
    ProviderHealth,
    ProviderState,
    ReplicaStats,
    Row,
    ServeSpec,
)
from deployments.providers.errors import (
    InvalidInput,
    InvalidSpec,
    ModelError,
    ModelTooSlow,
    NotReady,
    ProviderNotFound,
    ProviderUnavailable,
)
from hokusai.core.errors import DomainError
from hokusai.runner import errors
from hokusai.runner.client import RunnerClient
from hokusai.runner.outputs import Outputs
from hokusai.runner.statements import ChildStats
from hokusai.storage import stores
from hokusai.storage.base import ContentDamaged, ContentMissing

CONTROL_TIMEOUT_S = 30.0
RETRY_AFTER_S: Final = 2
# How long a request whose model's process ended waits before it asks for the last time.
PATIENCE_S: Final = 0.5
PHASES: Final = {
    "running": Phase.RUNNING,
    "idle": Phase.SCALED_TO_ZERO,
    "starting": Phase.PROVISIONING,
    "backing_off": Phase.DEGRADED,
}
T = TypeVar("T")


class LocalProvider(DeploymentProvider):
    """Serves from isolated children of the model runner on this machine."""

    capabilities = frozenset(
        {
            Capability.PROVES_DIGEST,
            Capability.LOCAL,
            Capability.STANDBY,
            Capability.SCALES_TO_ZERO,
            Capability.MATRIX,
            Capability.BATCHES,
            Capability.STATS,
        }
    )

    def __init__(self, *, socket_path: str | None = None) -> None:
        self.socket_path = socket_path or settings.RUNNER_SOCKET
        self.client = self._client(CONTROL_TIMEOUT_S)

    def _client(self, timeout_s: float) -> RunnerClient:
        return RunnerClient(self.socket_path, timeout_s)

    def validate(self, spec: ServeSpec, health: ProviderHealth | None) -> list[str]:
        if health is None:
            return ["The model runner has not said what it serves; see that it runs."]
        if spec.format and spec.format not in health.formats:
            return [
                f"A model in the format {spec.format} is not served in isolation tier "
                f"{health.tier}; this machine serves {', '.join(health.formats) or 'none'}."
            ]
        return []

    def health(self, *, timeout_s: float) -> ProviderHealth:
        with _translated():
            stated = self._client(timeout_s).health()
        return ProviderHealth(stated.tier, stated.formats, stated.warnings)

    def deploy(self, spec: ServeSpec, *, timeout_s: float) -> Endpoint:
        for digest in filter(None, (spec.tree_digest, spec.converted_digest)):
            _lay_out(digest)
        with _translated(InvalidSpec):
            handle = self.client.serve(
                project=spec.project,
                key=spec.revision_id,
                tree_digest=spec.tree_digest,
                converted_digest=spec.converted_digest,
                memory_bytes=spec.memory_bytes,
                latency_budget_ms=spec.latency_budget_ms,
                idle_s=spec.idle_s,
                load_timeout_s=timeout_s,
            )
        return Endpoint(handle=handle, ready=True)

    def status(self, handle: str, *, timeout_s: float) -> ProviderState:
        for child in self._children(timeout_s):
            if child.socket_path == handle:
                return ProviderState(_phase(child), child.tree_digest, child.converted_digest)
        return ProviderState(Phase.UNKNOWN)

    def serving(self, *, timeout_s: float) -> frozenset[str]:
        return frozenset(child.key for child in self._children(timeout_s))

    def predict(
        self, handle: str, rows: Sequence[Row], *, deadline_s: float, request_id: str = ""
    ) -> Prediction:
        began = time.perf_counter()
        try:
            outputs = self.client.predict(handle, rows=rows, deadline_s=deadline_s)
            records = outputs.records()
        except errors.RunnerError as error:
            # The healthy way has no closure and no second frame; it is the hot path.
            outputs = self._again(
                error,
                handle,
                lambda left_s: self.client.predict(handle, rows=rows, deadline_s=left_s),
                deadline_s - (time.perf_counter() - began),
            )
            records = _records(outputs)
        return Prediction(records, model_ms=(time.perf_counter() - began) * 1e3)

    def predict_matrix(
        self,
        handle: str,
        columns: Sequence[str],
        block: Block,
        *,
        deadline_s: float,
        request_id: str = "",
    ) -> MatrixPrediction:
        began = time.perf_counter()

        def ask(left_s: float) -> Outputs:
            return self.client.predict(handle, columns=columns, matrix=block, deadline_s=left_s)

        try:
            outputs = ask(deadline_s)
        except errors.RunnerError as error:
            outputs = self._again(error, handle, ask, deadline_s - (time.perf_counter() - began))
        return MatrixPrediction(
            columns=outputs.columns,
            classes=outputs.classes,
            task=outputs.task,
            values=outputs.values,
            model_ms=(time.perf_counter() - began) * 1e3,
        )

    def stop(self, revision_id: str, *, timeout_s: float) -> None:
        with _translated():
            self._client(timeout_s).stop(key=revision_id)

    def stats(self, *, timeout_s: float) -> list[ReplicaStats]:
        tier = self.health(timeout_s=timeout_s).tier
        return [_replica(child, tier) for child in self._children(timeout_s)]

    def _children(self, timeout_s: float) -> list[ChildStats]:
        with _translated():
            return self._client(timeout_s).stats()

    def _again(
        self,
        error: errors.RunnerError,
        handle: str,
        ask: Callable[[float], T],
        left_s: float,
    ) -> T:
        """The second answer of a model whose process ended in the first; else what went wrong.

        A child may have been ended by others, or by the rows of others that were answered with
        these: only who ends it twice, or ends one that is not there again soon, is told that the
        model crashes.
        """
        if not isinstance(error, errors.ModelCrashed):
            raise self._domain_error(error, handle) from error
        end = time.monotonic() + left_s
        for wait_s in (0.0, 0.0, PATIENCE_S):
            time.sleep(wait_s)
            if (left_s := end - time.monotonic()) <= 0:
                break
            try:
                return ask(left_s)
            except errors.RunnerUnavailable:
                # It is being started again; the next turn asks once more.
                continue
            except errors.RunnerError as second:
                raise self._domain_error(second, handle) from second
        raise _domain_error(error) from error

    def _domain_error(self, error: errors.RunnerError, handle: str) -> DomainError:
        if isinstance(error, errors.RunnerUnavailable):
            return self._why_not(error, handle)
        return _domain_error(error)

    def _why_not(self, error: errors.RunnerUnavailable, handle: str) -> DomainError:
        """Whether it is about to serve, has to be deployed again, or nobody knows."""
        retry_after_s = error.context.get("retry_after_s")
        if retry_after_s is not None:
            return NotReady(error.message, retry_after_s=retry_after_s)
        try:
            known = any(child.socket_path == handle for child in self.client.stats())
        except errors.RunnerError:
            return ProviderUnavailable("The model runner does not answer.")
        if known:
            return NotReady(error.message, retry_after_s=RETRY_AFTER_S)
        return ProviderNotFound("This version is not being served at the moment.")


def _lay_out(tree_digest: str) -> None:
    """Put a version's files where the runner reads them.

    Raises InvalidSpec or StorageUnavailable.
    """
    try:
        stores["default"].materialise(tree_digest)
    except ContentDamaged as error:
        raise InvalidSpec(str(error), **error.context) from error
    except ContentMissing:
        # The runner proves what it loads: it refuses what is not there, and names it.
        return


@contextmanager
def _translated(refusal: type[InvalidSpec] | None = None) -> Iterator[None]:
    """Raise the platform's errors in place of the runner's.

    With `refusal`: for whatever a load cannot get over, however often it is tried.
    """
    try:
        yield
    except errors.RunnerUnavailable as error:
        raise ProviderUnavailable(error.message, **error.context) from error
    except errors.RunnerError as error:
        if refusal is not None:
            raise refusal(error.message, **error.context) from error
        raise _domain_error(error) from error


def _domain_error(error: errors.RunnerError) -> DomainError:
    if isinstance(error, errors.InvalidInput):
        return InvalidInput(error.message, **error.context)
    kind = ModelTooSlow if isinstance(error, errors.ModelTimeout) else ModelError
    return kind(error.message, **{**error.context, "cause": error.code})


def _records(outputs: Outputs) -> list[dict[str, Any]]:
    try:
        return list(outputs.records())
    except errors.RunnerError as error:
        raise _domain_error(error) from error


def _phase(child: ChildStats) -> Phase:
    return PHASES.get(child.state, Phase.UNKNOWN)


def _replica(child: ChildStats, tier: str) -> ReplicaStats:
    return ReplicaStats(
        revision_id=child.key,
        phase=_phase(child),
        format=child.format,
        tier=child.tier or tier,
        converted=bool(child.converted_digest),
        memory_bytes=child.memory_bytes,
        started_at=child.started_at,
        restarts=child.restarts,
        last_error=child.last_error,
        requests=child.requests,
        errors=child.errors,
        rows=child.rows,
        batches=child.batches,
        p50_ms=child.p50_ms,
        p95_ms=child.p95_ms,
    )
