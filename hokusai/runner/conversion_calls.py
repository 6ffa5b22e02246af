"""What a client asks of conversions to ONNX; a part of `RunnerClient`."""

from typing import Any, Final

from hokusai.runner.training_calls import TRAINING_MEMORY_BYTES, WARM_S, files_of

CONVERSION_DEADLINE_S: Final = 120.0


class ConversionCalls:
    """Converting in a child of the runner."""

    def _call(
        self, header: dict[str, Any], block: memoryview | None, timeout_s: float
    ) -> tuple[dict[str, Any], memoryview]:
        raise NotImplementedError

    def convert(
        self,
        *,
        project: str,
        tree_digest: str,
        deadline_s: float = CONVERSION_DEADLINE_S,
        memory_bytes: int = TRAINING_MEMORY_BYTES,
    ) -> dict[str, bytes]:
        """The files of the same model as ONNX, by path.

        Raises ConversionRefused, FormatRefused, ArtifactMismatch, ModelRaised, ModelTimeout,
        ModelOutOfMemory, ModelCrashed.
        """
        header = {
            "op": "convert",
            "project": project,
            "tree_digest": tree_digest,
            "deadline_s": deadline_s,
            "memory_bytes": memory_bytes,
        }
        reply, raw = self._call(header, None, deadline_s + WARM_S)
        return files_of(reply, raw)
