"""How a state changes: to one of its successors, or not at all."""

from typing import Any, Protocol, TypeVar

from hokusai.core.errors import InvalidTransition


class State(Protocol):
    """A member of a TextChoices that states what may follow it."""

    @property
    def successors(self) -> frozenset[Any]:
        """The states that may follow."""


S = TypeVar("S", bound=State)


def moved(current: S, target: S, what: str) -> S:
    """The target. Raises InvalidTransition, naming both states, where it may not follow.

    `what` is who moves, in the words of its users: "promotion", "artifact".
    """
    if target not in current.successors:
        raise InvalidTransition(
            f"This {what} is in state {current} and cannot become {target}.",
            current=str(current),
            target=str(target),
        )
    return target
