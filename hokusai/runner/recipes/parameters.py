"""Parameters of recipes: stated once, checked before anything is trained, shown as JSON Schema."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from hokusai.runner.errors import InvalidParameters

Kind = Literal["number", "integer", "choice"]
Value = str | int | float

MISSING: Final = "missing"
SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `models`: the values of `model` it belongs to; empty: to every one.

    `minimum` and `maximum` may be reached; `above` may not.
    """

    name: str
    kind: Kind
    default: Value
    about: str
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema."""
        stated: dict[str, Any] = {
            "type": "string" if self.kind == "choice" else self.kind,
            "default": self.default,
            "description": self.about,
            "enum": list(self.choices) or None,
            "minimum": self.minimum,
            "exclusiveMinimum": self.above,
            "maximum": self.maximum,
        }
        return {key: value for key, value in stated.items() if value is not None}

    def check(self, value: object) -> Value:
        """The value in its own type. Raises InvalidParameters, saying what is allowed."""
        if self.kind == "choice":
            if value not in self.choices:
                raise self._refusal(f"one of {', '.join(self.choices)}")
            return str(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refusal("a number")
        if not math.isfinite(value) or (self.kind == "integer" and value != int(value)):
            raise self._refusal("a whole number" if self.kind == "integer" else "a finite number")
        self._check_range(value)
        return int(value) if self.kind == "integer" else float(value)

    def _check_range(self, value: float) -> None:
        if self.minimum is not None and value < self.minimum:
            raise self._refusal(f"at least {self.minimum:g}")
        if self.above is not None and value <= self.above:
            raise self._refusal(f"above {self.above:g}")
        if self.maximum is not None and value > self.maximum:
            raise self._refusal(f"at most {self.maximum:g}")

    def _refusal(self, allowed: str) -> InvalidParameters:
        return InvalidParameters(f"The parameter {self.name} is {allowed}.", parameter=self.name)


ROWS_WITH_GAPS: Final = Parameter(
    name=MISSING,
    kind="choice",
    default="refuse",
    choices=("refuse", "drop"),
    about="Rows with an empty feature or label: refuse the training, or leave those rows out.",
)


def checked(given: Mapping[str, Any], stated: Sequence[Parameter]) -> dict[str, Value]:
    """All parameters that count, defaults filled in. Raises InvalidParameters for the first wrong.

    A parameter of another model than the chosen one is refused, not ignored.
    """
    by_name = {parameter.name: parameter for parameter in stated}
    for name in given:
        if name not in by_name:
            known = ", ".join(by_name)
            raise InvalidParameters(
                f"The recipe knows no parameter {str(name)[:SHOWN]!r}; it knows {known}.",
                parameter=str(name)[:SHOWN],
            )
    values = {p.name: p.check(given.get(p.name, p.default)) for p in stated}
    model = str(values.get("model", ""))
    for name in given:
        if by_name[name].models and model not in by_name[name].models:
            raise InvalidParameters(
                f"The parameter {name} belongs to {', '.join(by_name[name].models)}, "
                f"not to {model}.",
                parameter=name,
            )
    return {n: v for n, v in values.items() if not by_name[n].models or model in by_name[n].models}


def schema_of(stated: Sequence[Parameter]) -> dict[str, Any]:
    """JSON Schema of all parameters together."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {parameter.name: parameter.schema() for parameter in stated},
    }
