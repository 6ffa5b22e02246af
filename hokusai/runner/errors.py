"""Every way a call to the runner may fail. Messages are readable to a user and echo no input."""

from typing import ClassVar

Context = str | int | float | bool | None


class RunnerError(Exception):
    """The runner could not do what was asked."""

    code: ClassVar[str] = "runner_error"
    # True where the same call may succeed later without any change.
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **context: Context) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class RunnerUnavailable(RunnerError):
    """The runner, or the child asked for, is not there; call again (for a child: `serve` first)."""

    code = "runner_unavailable"
    retryable = True


class ModelCrashed(RunnerError):
    """The child ended by itself. Context: `signal` (name) or `exit_status`."""

    code = "model_crashed"


class ModelTimeout(RunnerError):
    """The deadline passed. Context: `deadline_s`."""

    code = "model_timeout"


class ModelOutOfMemory(RunnerError):
    """The child held more memory than allowed. Context: `memory_bytes` (the limit)."""

    code = "model_out_of_memory"


class ModelRaised(RunnerError):
    """The model's code raised. Context: `exception` (type name), `phase` (load, predict, fit)."""

    code = "model_raised"


class InvalidInput(RunnerError):
    """The rows do not fit the model's inputs. Context: `row` (from 0), `column`."""

    code = "invalid_input"

    @property
    def row(self) -> int | None:
        """Position of the offending row, from 0."""
        value = self.context.get("row")
        return value if isinstance(value, int) else None

    @property
    def column(self) -> str | None:
        """Name of the offending column."""
        value = self.context.get("column")
        return value if isinstance(value, str) else None


class ArtifactMismatch(RunnerError):
    """The stored bytes are not those of the digest, or are incomplete. Context: `path`."""

    code = "artifact_mismatch"


class FormatRefused(RunnerError):
    """This tier does not allow this format. Context: `format`, `tier`, `reason`."""

    code = "format_refused"


class OutputContract(RunnerError):
    """The model's outputs are not what a version must state. Context: `task`."""

    code = "output_contract"


class RecipeRefused(RunnerError):
    """The runner does not train by this recipe. Context: `recipe`."""

    code = "recipe_refused"


class InvalidParameters(RunnerError):
    """A parameter of a recipe is unknown or out of range. Context: `parameter`."""

    code = "invalid_parameters"


class TrainingDataUnusable(RunnerError):
    """Nothing can be fitted on these rows. Context: `table`, `row`, `column`, `coalition`."""

    code = "training_data_unusable"


class ConversionRefused(RunnerError):
    """The model cannot be brought to ONNX as it computes now."""

    code = "conversion_refused"


class ProtocolError(RunnerError):
    """The other side sent what the protocol does not know."""

    code = "protocol_error"


BY_CODE: dict[str, type[RunnerError]] = {
    kind.code: kind
    for kind in (
        RunnerError,
        RunnerUnavailable,
        ModelCrashed,
        ModelTimeout,
        ModelOutOfMemory,
        ModelRaised,
        InvalidInput,
        ArtifactMismatch,
        FormatRefused,
        OutputContract,
        RecipeRefused,
        InvalidParameters,
        TrainingDataUnusable,
        ConversionRefused,
        ProtocolError,
    )
}


def to_wire(error: RunnerError) -> dict[str, object]:
    """What travels for an error: `{"code", "message", "context"}`."""
    return {"code": error.code, "message": error.message, "context": error.context}


def from_wire(body: object) -> RunnerError:
    """The typed error for `body`; a `ProtocolError` where it is not an error's body."""
    if not isinstance(body, dict):
        return ProtocolError("The runner answered with an error of unknown form.")
    context = body.get("context")
    kind = BY_CODE.get(str(body.get("code")), RunnerError)
    return kind(str(body.get("message", "")), **(context if isinstance(context, dict) else {}))
