from hokusai.core.errors import Conflict, DomainError, InvalidInput, OutsideUnavailable


class RunnerDown(OutsideUnavailable):
    """The runner does not answer; the batch waits for it."""

    code = "runner_unavailable"


class StillWanted(OutsideUnavailable):
    """The batch was resumed while this part was being given up; it is taken up again."""

    code = "still_wanted"


class BatchFailed(DomainError):
    """The batch cannot be done; the message says why."""

    code = "batch_failed"


class RowRefused(InvalidInput):
    """The model takes no such row. Context: `row` (of the table, from 0), `column`."""

    code = "row_refused"


class VersionUnusable(Conflict):
    """The version has no bytes here, or was archived."""

    code = "version_unusable"


class NoResult(Conflict):
    """The batch has no outputs that could be fetched."""

    code = "no_result"
