"""Everything a person, a client or a schedule may ask of contributions and credit."""

from contributions.services.gifts import (
    begin_check,
    mark_used,
    refuse_unreadable,
    submit_contribution,
    withdraw_contribution,
)
from contributions.services.improvements import (
    ALTERNATIVES,
    METHODS,
    record_improvement,
    request_attribution,
)

__all__ = [
    "ALTERNATIVES",
    "METHODS",
    "begin_check",
    "mark_used",
    "record_improvement",
    "refuse_unreadable",
    "request_attribution",
    "submit_contribution",
    "withdraw_contribution",
]
