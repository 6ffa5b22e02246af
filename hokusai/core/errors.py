from typing import Any, ClassVar


class DomainError(Exception):
    """A rule of the domain was broken. Knows nothing of HTTP, admin or Celery."""

    code: ClassVar[str] = "domain_error"

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.context = context


class InvalidInput(DomainError):
    """What was given cannot be used as it is."""

    code = "invalid_input"


class NotFound(DomainError):
    """Absent, or hidden from whoever asks: the answer is the same."""

    code = "not_found"


class Forbidden(DomainError):
    """A rule of the domain keeps this person from doing it."""

    code = "forbidden"


class Conflict(DomainError):
    """The present state does not allow it."""

    code = "conflict"


class InvalidTransition(Conflict):
    """The row cannot move from its state to the one asked for."""

    code = "invalid_transition"


class OutsideError(DomainError):
    """An outside system answered that it will not do this."""

    code = "outside_error"


class OutsideUnavailable(OutsideError):
    """An outside system did not answer; the call may be repeated unchanged."""

    code = "outside_unavailable"


class OutsideTimeout(OutsideError):
    """An outside system, or what runs there, took longer than it was given."""

    code = "outside_timeout"
