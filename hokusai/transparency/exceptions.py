from hokusai.core.errors import Conflict, DomainError, InvalidInput, OutsideUnavailable


class StatementRefused(InvalidInput):
    """What was to be logged cannot be: it has no canonical form, or is too long."""

    code = "statement_refused"


class LogShrank(Conflict):
    """The tree is smaller than the last checkpoint, or differs from it: nothing is signed."""

    code = "log_shrank"


class WitnessRefused(DomainError):
    """A witness answered, and not with a cosignature that holds."""

    code = "witness_refused"


class WitnessUnavailable(OutsideUnavailable):
    """A witness did not answer."""

    code = "witness_unavailable"
