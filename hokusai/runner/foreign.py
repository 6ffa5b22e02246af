"""The border to code that is not ours, in the child: whatever it raises becomes a typed error."""

import re
from types import TracebackType
from typing import Final, Literal

from hokusai.runner.errors import ModelOutOfMemory, ModelRaised, RunnerError

Phase = Literal["load", "predict", "fit"]
MAX_MESSAGE: Final = 300
DOING: Final[dict[Phase, str]] = {
    "load": "being loaded",
    "predict": "predicting",
    "fit": "being fitted",
}
# How compiled libraries say it: C++, and onnxruntime's arena.
NO_MEMORY: Final = ("std::bad_alloc", "Failed to allocate memory")
# Texts in quotes and numbers of an exception may be a row's values, which nobody else may see.
VALUES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


class ForeignCode:
    """`with ForeignCode(phase):` raises RunnerErrors only; KeyboardInterrupt passes through."""

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if raised is None or kind is None or isinstance(raised, RunnerError | KeyboardInterrupt):
            return
        said = self._said(raised)
        if isinstance(raised, MemoryError) or any(text in said for text in NO_MEMORY):
            raise ModelOutOfMemory(
                "The model asked for more memory than it may use and was stopped."
            ) from raised
        raise ModelRaised(
            f"The model failed while {DOING[self._phase]}: {kind.__name__}: {said}",
            exception=kind.__name__,
            phase=self._phase,
        ) from raised

    def _said(self, raised: BaseException) -> str:
        try:
            text = " ".join(str(raised).split())
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            return "no message"
        if self._phase != "load":
            text = VALUES.sub("…", text)
        return text[:MAX_MESSAGE]
